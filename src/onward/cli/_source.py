"""The tables and models that a config reads, without its other settings, which may be missing."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict

from onward.settings.config import import_plugins, section
from onward.settings.family import LocalPath, OneOf, Settings
from onward.table.sources import Source, Table


def source_of(config: Path) -> Any:
    """The settings of the source.

    Raises:
        ConfigError: if they are missing or invalid.
    """
    import_plugins(config)

    class Prepare(Settings):  # defined now, so that the sources of plugins can be chosen
        """The source in the section `prepare`; all other settings are ignored."""

        model_config = ConfigDict(extra="ignore")
        source: Annotated[Source.Config, OneOf(Source)]

    return section(config, "prepare", Prepare).source


class _Start(Settings):
    model_config = ConfigDict(extra="ignore")
    start_from: LocalPath | None = None


def start_of(config: Path) -> Path | None:
    """The folder of the model that a config starts from, if any.

    Raises:
        ConfigError: if the setting is invalid.
    """
    return section(config, "prepare", _Start).start_from


def open_like(config: Path, table: Path) -> Table:
    """Another table, written as that of the config unless its name says another format."""
    settings = source_of(config)
    suffix = Source.suffix(table.name)
    if table.is_file() and suffix and suffix not in Source.member(settings).suffixes:
        return Source.for_path(table)
    files = settings.files if table.is_dir() else None
    return Source.open(settings.model_copy(update={"path": table, "files": files}))
