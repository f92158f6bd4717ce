"""SQL conditions."""

from typing import Literal, Self

import polars as pl
from pydantic import model_validator

from onward.rules import Rule
from onward.table.checks._base import Check
from onward.table.checks._sql import plain_sql

PROBLEMS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


class Expression(Check):
    """A condition on the values of one row, such as ``"ended >= started"``.

    The condition is an SQL expression with column names, numbers, texts in single quotes,
    ``+ - * / %``, comparisons, ``AND OR NOT IN BETWEEN LIKE CASE``, and functions of one row
    such as ``LOWER``, ``LENGTH`` or ``ROUND``. Names with special characters need double quotes.
    SELECT, FROM and all other functions are refused. As in SQL, a row satisfies the condition if a
    missing value makes it neither true nor false.
    """

    class Config(Check.Config):
        """``holds`` is the condition that each row must satisfy."""

        type: Literal["expression"] = "expression"
        holds: str

        @model_validator(mode="after")
        def _can_be_computed(self) -> Self:
            try:
                condition = _parse(self.holds)
            except (ValueError, *PROBLEMS) as error:
                raise ValueError(f"holds: {str(error).partition(chr(10))[0]}") from error
            if not condition.meta.root_names():
                raise ValueError("holds: the condition names no column. Add one")
            return self

    config: Config

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in the condition."""
        return tuple(dict.fromkeys(_parse(self.config.holds).meta.root_names()))

    def rule(self) -> Rule:
        """The rule that the condition is not false."""
        return Rule(
            self.columns,
            ~_parse(self.config.holds),
            f"values that violate `{self.config.holds}`",
            "Correct them, or the check",
        )


def _parse(text: str) -> pl.Expr:
    return pl.sql_expr(plain_sql(text))
