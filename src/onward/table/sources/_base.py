"""The base class of sources."""

from abc import ABC
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from onward.errors import DataError
from onward.settings.family import Family, LocalPath, Settings
from onward.table.sources._folder import ANY, Folder, files_in
from onward.table.sources._table import Table

Pattern = Annotated[str, StringConstraints(pattern=r"^[^/.][^/]*(/[^/.][^/]*)*$")]
"""A pattern for the names of files below a folder."""


class Source(Family, Table, ABC):
    """A table in a file of one format."""

    class Config(Settings):
        """Settings that every type has."""

        path: LocalPath
        files: Pattern | None = None
        """If ``path`` is a folder, a pattern for the files of the table, such as ``**/*.csv``."""

    suffixes: ClassVar[dict[str, dict[str, Any]]]
    """File suffixes of the format, with settings for each suffix."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.path = config.path
        if self.path.is_dir():
            raise DataError(
                f"{self.path}: this is a folder. Name the files of the table, such as"
                f" `files: '**/*{next(iter(self.suffixes), '')}'`"
            )
        if not self.path.is_file():
            start = "" if self.path.is_absolute() else f", which starts in {Path.cwd()}"
            is_fetched = self.path.parts[0] == "data" and Path("data.dvc").exists()
            fetch = ", or fetch it: `dvc repro data.dvc`" if is_fetched else ""
            raise DataError(f"{self.path}: there is no such file. Correct the path{start}{fetch}")

    @classmethod
    def open(cls, config: Any) -> Table:
        """The table of a config, in one or many files.

        Raises:
            DataError: if it is not there.
        """
        if config.files is None:
            return cls.build(config)

        def part(path: Path) -> Table:
            return cls.build(config.model_copy(update={"path": path, "files": None}))

        return Folder(config.path, config.files, part)

    @classmethod
    def for_path(cls, path: Path) -> Table:
        """The table in a file or folder, by its name.

        Raises:
            DataError: if it is not there, or its name says no type of source.
        """
        return cls.open(cls.config_for(path))

    @classmethod
    def config_for(cls, path: Path) -> Any:
        """The settings for reading a file or folder, by its name.

        Raises:
            DataError: naming the endings there are, if no type of source has this one.
        """
        if path.is_dir():
            return cls._config_for_folder(path)
        suffix = cls.suffix(path.name)
        for member in cls.members.values():
            if suffix in member.suffixes:
                return member.Config(path=path, **member.suffixes[suffix])
        suffixes = sorted(suffix for member in cls.members.values() for suffix in member.suffixes)
        raise DataError(f"{path}: unknown file suffix. Use one of {', '.join(suffixes)}")

    @classmethod
    def suffix(cls, name: str) -> str:
        """The suffix of a file, if it is that of a table; else empty."""
        suffixes = (suffix for member in cls.members.values() for suffix in member.suffixes)
        return max((end for end in suffixes if name.lower().endswith(end)), key=len, default="")

    @classmethod
    def infer_config(cls, path: Path) -> "Sniffed":
        """The inferred settings for reading a file, or the files of a folder.

        Raises:
            DataError: if no source reads such files.
        """
        config = cls.config_for(path)
        if config.files is None:
            cls.build(config)  # refuses a missing file
            return cls.member(config).sniff(config)  # type: ignore[no-any-return]
        first = files_in(path, config.files)[0]
        inferred = cls.member(config).sniff(
            config.model_copy(update={"path": first, "files": None})
        )
        reasons = tuple(f"{reason} (in {first.name})" for reason in inferred.reasons)
        update = {"path": path, "files": config.files}
        return Sniffed(inferred.config.model_copy(update=update), reasons)

    @classmethod
    def sniff(cls, config: Any) -> "Sniffed":
        """Inferred settings for the file; unchanged if the format is self-describing."""
        return Sniffed(config, ())

    @classmethod
    def for_folder(cls, path: Path) -> Any:
        """The settings for a folder that is one table of this type, or None."""
        return None

    @classmethod
    def _config_for_folder(cls, path: Path) -> Any:
        for member in cls.members.values():
            config = member.for_folder(path)
            if config is not None:
                return config
        endings = {cls.suffix(file.name) for file in files_in(path, ANY)} - {""}
        if len(endings) != 1:
            contents = f"tables that end in {', '.join(sorted(endings))}" if endings else "no table"
            raise DataError(
                f"{path}: the folder has {contents}. Name a file, or a folder with one format"
            )
        [suffix] = endings
        config = cls.config_for(files_in(path, f"**/*{suffix}")[0])
        return config.model_copy(update={"path": path, "files": f"**/*{suffix}"})


@dataclass(frozen=True)
class Sniffed:
    """Inferred settings for a file."""

    config: Any
    reasons: tuple[str, ...]
    """One reason for each setting other than the default."""
