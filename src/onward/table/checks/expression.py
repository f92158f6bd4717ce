"""A condition in the words of SQL."""

from typing import Literal, Self

import polars as pl
from pydantic import model_validator

from onward.rules import Rule
from onward.settings.family import Settings
from onward.table.checks._base import Check
from onward.table.checks._sql import plain_sql

PROBLEMS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


class Expression(Check):
    """A condition on the values of one row, such as ``"ended >= started"``.

    It is an expression of SQL: names of columns, numbers, texts in single quotes, ``+ - * / %``,
    comparisons, ``AND OR NOT IN BETWEEN LIKE CASE``, and functions of one row such as ``LOWER``,
    ``LENGTH`` or ``ROUND``. A name that is no plain word stands in double quotes. It can do nothing
    but compute: SELECT, FROM and functions that are not on the list are refused before polars sees
    them. As in SQL, a row where it is neither true nor false, since a value is missing, does not
    break it.
    """

    class Config(Settings):
        """``holds`` is the condition."""

        type: Literal["expression"] = "expression"
        holds: str

        @model_validator(mode="after")
        def _can_be_computed(self) -> Self:
            try:
                condition = _parsed(self.holds)
            except (ValueError, *PROBLEMS) as error:
                raise ValueError(f"holds: {str(error).partition(chr(10))[0]}") from error
            if not condition.meta.root_names():
                raise ValueError("holds: there is no column in it")
            return self

    config: Config

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that the condition names."""
        return tuple(dict.fromkeys(_parsed(self.config.holds).meta.root_names()))

    def rule(self) -> Rule:
        """Rows where the condition is false break it."""
        return Rule(
            self.columns,
            ~_parsed(self.config.holds),
            f"values against `{self.config.holds}`",
            "Correct them, or the check",
        )


def _parsed(text: str) -> pl.Expr:
    return pl.sql_expr(plain_sql(text))
