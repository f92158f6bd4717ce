"""The source of a config, whose other settings may be for another table or come later."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict

from onward.settings.config import import_plugins, section
from onward.settings.family import OneOf, Settings
from onward.table.sources import Source


class Prepare(Settings):
    """What matters here of the section `prepare`."""

    model_config = ConfigDict(extra="ignore")
    source: Annotated[Source.Config, OneOf(Source)]


def source_of(config: Path) -> Any:
    """The settings of the source.

    Raises:
        ConfigError: if they are not there, or wrong.
    """
    import_plugins(config)
    return section(config, "prepare", Prepare).source
