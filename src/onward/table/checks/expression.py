"""A condition in the words of SQL."""

import re
from typing import Literal, Self

import polars as pl
from pydantic import model_validator

from onward.rules import Rule
from onward.settings.family import Settings
from onward.table.checks._base import Check

QUOTED = r"""'[^']*'|"[^"]*"|`[^`]*`"""
FRACTION = r"(?<![\w.])(?:\d+\.\d*|\.\d+)(?![\w.])"


class Expression(Check):
    """A condition on the values of one row, such as ``"ended >= started"``.

    It is an expression of SQL as polars knows it, and can do nothing but compute: it reads no
    file, and no Python is in it. As in SQL, a row where it is neither true nor false, since a
    value is missing, does not break it.
    """

    class Config(Settings):
        """``holds`` is the condition."""

        type: Literal["expression"] = "expression"
        holds: str

        @model_validator(mode="after")
        def _can_be_computed(self) -> Self:
            try:
                condition = _parsed(self.holds)
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
                raise ValueError(f"holds: {str(error).partition(chr(10))[0]}") from error
            if ".subplan(" in str(condition):
                raise ValueError("holds: a condition looks at one row, and has no SELECT in it")
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
    """Without an exponent, a fraction is a decimal number, and would be compared as a text."""
    floats = re.sub(
        f"{QUOTED}|{FRACTION}",
        lambda found: found[0] if found[0][0] in "'\"`" else f"{found[0]}e0",
        text,
    )
    return pl.sql_expr(floats)
