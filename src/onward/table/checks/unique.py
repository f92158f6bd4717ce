"""No two rows agree in some columns."""

from typing import Annotated, Literal

import polars as pl
from pydantic import Field

from onward.rules import Rule
from onward.settings.family import Settings
from onward.table.checks._base import Check


class Unique(Check):
    """The values of these columns, taken together, are in one row only."""

    class Config(Settings):
        """Which columns."""

        type: Literal["unique"] = "unique"
        columns: Annotated[tuple[str, ...], Field(min_length=1)]

    config: Config

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the config."""
        return self.config.columns

    def rule(self) -> Rule:
        """All rows that agree with another one break it; rows without any value do not."""
        together = pl.struct(self.columns)
        is_there = pl.any_horizontal(pl.col(name).is_not_null() for name in self.columns)
        return Rule(
            self.columns,
            together.is_duplicated() & is_there,
            "values that another row has, too",
            "Remove the repetitions, or the check",
        )
