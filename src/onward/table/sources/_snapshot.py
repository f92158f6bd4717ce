"""The base class of sources that lie elsewhere, and of which snapshots on disk are read."""

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl
from pydantic import ValidationError

from onward.artifacts.publishing import sha256
from onward.errors import ConfigError, DataError
from onward.table.remote.batches import Batches, even_tables, refuse_repeated
from onward.table.sources._base import Source
from onward.table.sources.parquet import Parquet

if TYPE_CHECKING:
    import pyarrow as pa

TABLE, SNAPSHOT = "table.parquet", "snapshot.json"
AGAIN = "Run `onward collect` with this config, then `dvc repro`"


class Snapshot(Source):
    """A table as it was when `onward collect` read it; ``path`` is the folder with the snapshot."""

    content: ClassVar[tuple[str, ...]]
    """Settings that decide which rows there are. The first is the address."""
    suffixes = {}

    def __init__(self, config: Any) -> None:
        self.config = config
        self.path = config.path
        taken, known = self._taken(self.path), self.for_folder(self.path)
        if taken is None:
            raise DataError(f"{self.path}: there is no snapshot. {AGAIN}")
        for name in self.content:
            if getattr(known, name) != getattr(config, name):
                raise DataError(
                    f"{self.path}: the snapshot is of another `{name}` than in the config. {AGAIN}"
                )
        self.taken = taken

    @classmethod
    def member_name(cls) -> str | None:
        """The member's type; None for this class."""
        return super().member_name() if "type" in cls.Config.model_fields else None

    @classmethod
    @abstractmethod
    def batches(cls, config: Any, folder: Path) -> Batches:
        """All rows, from where they lie, in batches with the same columns.

        Args:
            config: of the source.
            folder: for files meanwhile.

        Raises:
            ConfigError: if a library or an environment variable is missing.
            DataError: if the rows cannot be read.
        """

    @classmethod
    def for_folder(cls, path: Path) -> Any:
        """The settings of a snapshot of this type; None if the folder is not one."""
        taken = cls._taken(path)
        if taken is None:
            return None
        settings = {name: taken[name] for name in taken.keys() & cls.Config.model_fields.keys()}
        try:
            return cls.Config.model_validate_json(json.dumps({**settings, "path": str(path)}))
        except ValidationError as error:
            raise _no_snapshot(path) from error

    @classmethod
    def _taken(cls, path: Path) -> Mapping[str, Any] | None:
        """What is noted beside the rows of a snapshot of this type.

        Raises:
            DataError: if the folder's note is damaged, or the rows are missing.
        """
        if not (path / SNAPSHOT).is_file():
            return None
        try:
            taken = json.loads((path / SNAPSHOT).read_text(encoding="utf-8"))
        except ValueError as error:
            raise _no_snapshot(path) from error
        if not isinstance(taken, dict):
            raise _no_snapshot(path)
        if taken.get("type", "sql") != cls.member_name():
            return None
        if "sha256" not in taken or not (path / TABLE).is_file():
            raise _no_snapshot(path)
        return taken

    def names(self) -> list[str]:
        """Column names."""
        return self._table.names()

    def num_rows(self) -> int:
        """Number of rows in the snapshot."""
        return self._table.num_rows()

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """Raw columns with the types that they have where they lie."""
        return self._table.read(names)

    @cached_property
    def _table(self) -> Parquet:
        if sha256(self.path / TABLE) != self.taken["sha256"]:
            raise DataError(
                f"{self.path / TABLE}: its hash differs from the collected one. {AGAIN}"
            )
        return Parquet(Parquet.Config(path=self.path / TABLE))


def _no_snapshot(path: Path) -> DataError:
    return DataError(f"{path}: not a snapshot, or a damaged one. {AGAIN}")


def _settings(config: Any) -> dict[str, Any]:
    """Those that a snapshot notes."""
    settings = config.model_dump(mode="json", exclude={"path", "files"}, exclude_defaults=True)
    return {"type": config.type, **settings}


def collect(config: Any, folder: Path) -> int:
    """Read the rows from where they lie, and write them and the settings to an empty folder.

    Returns:
        The number of rows.

    Raises:
        ConfigError: if the source is a file, or a library or an environment variable is missing.
        DataError: if there are no rows, or they cannot be read.
    """
    member = Source.member(config)
    if not issubclass(member, Snapshot):
        types = [name for name, other in Source.members.items() if issubclass(other, Snapshot)]
        raise ConfigError(
            f"prepare.source: type {config.type!r} has nothing to collect. Only the types"
            f" {', '.join(types)} do"
        )
    where = str(getattr(config, member.content[0]))
    with closing(member.batches(config, folder)) as batches:
        num_rows = _write(where, even_tables(batches), folder / TABLE)
    noted = {**_settings(config), "rows": num_rows, "sha256": sha256(folder / TABLE)}
    text = json.dumps(noted, ensure_ascii=False, indent=1)
    (folder / SNAPSHOT).write_text(f"{text}\n", encoding="utf-8")
    return num_rows


def _write(where: str, tables: Iterator["pa.Table"], path: Path) -> int:
    first = next(tables, None)
    if first is None:
        raise DataError(f"{where}: there are no rows. Correct `prepare.source`")
    refuse_repeated(where, first.column_names)
    num_rows = 0
    with _writer(where, first.schema, path) as writer:
        for table in chain([first], tables):
            writer.write_table(table)
            num_rows += len(table)
    return num_rows


def _writer(where: str, schema: "pa.Schema", path: Path) -> Any:
    import pyarrow as pa  # an extra
    from pyarrow import parquet

    for field in schema:
        try:
            parquet.ParquetWriter(pa.BufferOutputStream(), pa.schema([field])).close()
        except pa.ArrowNotImplementedError as error:
            raise DataError(
                f"{where}: column {field.name!r} has values of the type {field.type}, which no file"
                " holds. Convert them to another, in SQL with CAST"
            ) from error
    return parquet.ParquetWriter(path, schema, write_page_checksum=True)
