"""Uniqueness of rows in some columns."""

from typing import Annotated, Literal

import polars as pl
from pydantic import Field

from onward.rules import Rule
from onward.table.checks._base import Check


class Unique(Check):
    """The combination of values in these columns is unique."""

    class Config(Check.Config):
        """``columns`` form the key."""

        type: Literal["unique"] = "unique"
        columns: Annotated[tuple[str, ...], Field(min_length=1)]

    config: Config

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the key."""
        return self.config.columns

    def rule(self) -> Rule:
        """The rule that the key is unique; rows without any value satisfy it."""
        key = pl.struct(self.columns)
        has_value = pl.any_horizontal(pl.col(name).is_not_null() for name in self.columns)
        return Rule(
            self.columns,
            key.is_duplicated() & has_value,
            "values that are not unique",
            "Remove the duplicates, or the check",
        )
