"""pandera schemas."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import field_validator

from onward.errors import ConfigError
from onward.rules import Rule, at
from onward.table.checks._base import Check

REMEDY = "Correct them, or the schema"
VALUES = {  # pandera's reasons that concern rows, and the texts of their findings
    "DATAFRAME_CHECK": "values that violate `{check}` of {model}",
    "SERIES_CONTAINS_NULLS": "no value, which violates {model}",
    "SERIES_CONTAINS_DUPLICATES": "a duplicate value, which violates {model}",
    "DUPLICATES": "duplicate values, which violate {model}",
}


class Pandera(Check):
    """A pandera schema: a subclass of ``pandera.polars.DataFrameModel`` in one of the plugins.

    It validates all rows at once, with numbers as float64 and all others as text. If a check of the
    whole table fails, all rows are invalid. A schema with the target applies to training tables
    only. Needs the extra ``pandera``.
    """

    class Config(Check.Config):
        """``model`` is the name of the class."""

        type: Literal["pandera"] = "pandera"
        model: str

        @field_validator("model")
        @classmethod
        def _check_model(cls, name: str) -> str:
            try:
                columns = _schema(name).columns
            except ImportError as error:
                raise ValueError(
                    f"{error}. Install the extra: pip install onward[pandera]"
                ) from error
            patterns = [column.name for column in columns.values() if column.regex]
            if patterns:
                raise ValueError(
                    f"{name}: the column name {patterns[0]!r} is a pattern. Name each column"
                )
            return name

    config: Config

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the schema."""
        return tuple(_schema(self.config.model).columns)

    def rule(self) -> Rule:
        """A rule whose findings are those of the schema."""
        return Rule(
            self.columns,
            pl.lit(value=True),
            f"values that violate {self.config.model}",
            REMEDY,
            judged=lambda rows: list(self._broken_rules(rows)),
        )

    def _broken_rules(self, rows: pl.DataFrame) -> Iterator[Rule]:
        errors = import_module("pandera.errors")
        try:
            _schema(self.config.model).validate(rows, lazy=True)
        except errors.SchemaErrors as errors_found:
            for error in errors_found.schema_errors:
                yield self._rule(error, len(rows))
        except pl.exceptions.PolarsError as error:
            raise ConfigError(f"{self.config.model}: {str(error).partition(chr(10))[0]}") from error

    def _rule(self, error: Any, rows: int) -> Rule:
        reason, model = error.reason_code.name, self.config.model
        if reason not in VALUES:
            raise ConfigError(
                f"the schema {model} does not fit the table: {error}. Here numbers are float64, all"
                " others are text, and missing values are null"
            )
        passes = error.check_output.to_series().fill_null(value=True).to_numpy()
        is_column = error.schema.name in self.columns
        return Rule(
            (error.schema.name,) if is_column else self.columns,
            at(np.flatnonzero(~np.broadcast_to(passes, rows))),
            VALUES[reason].format(model=model, check=getattr(error.check, "name", "")),
            REMEDY,
        )


def _schema(name: str) -> Any:
    """The schema of the class with this name.

    Raises:
        ValueError: if no class or several classes have the name.
    """
    models = list(_subclasses(import_module("pandera.polars").DataFrameModel))
    matches = [model for model in models if model.__name__ == name]
    if len(matches) != 1:
        names = ", ".join(sorted(model.__name__ for model in models)) or "none"
        raise ValueError(
            f"{len(matches)} classes are named {name!r}. Classes in the plugins: {names}"
        )
    return matches[0].to_schema()


def _subclasses(model: Any) -> Iterator[Any]:
    for subclass in model.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
