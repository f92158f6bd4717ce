"""A schema of pandera."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import field_validator

from onward.errors import ConfigError
from onward.rules import Rule, at
from onward.settings.family import Settings
from onward.table.checks._base import Check

REMEDY = "Correct them, or the schema"
VALUES = {  # reasons of pandera that are about rows, and what they say
    "DATAFRAME_CHECK": "values against `{check}` of {model}",
    "SERIES_CONTAINS_NULLS": "no value, against {model}",
    "SERIES_CONTAINS_DUPLICATES": "a value that another row has, too, against {model}",
    "DUPLICATES": "values that another row has, too, against {model}",
}


class Pandera(Check):
    """A schema of pandera: a subclass of ``pandera.polars.DataFrameModel`` in one of the plugins.

    It is asked about all rows at once, and sees numbers as float64 and all else as text. A check
    that says one thing of the whole table is broken by each row, or by none. A schema that names
    the target is asked when rows are learned from, and not when they are to be predicted. Needs
    the extra ``pandera``.
    """

    class Config(Settings):
        """``model`` is the name of the class."""

        type: Literal["pandera"] = "pandera"
        model: str

        @field_validator("model")
        @classmethod
        def _is_there(cls, name: str) -> str:
            try:
                columns = _schema(name).columns
            except ImportError as error:
                raise ValueError(
                    f"{error}. Install the extra: pip install onward[pandera]"
                ) from error
            patterns = [column.name for column in columns.values() if column.regex]
            if patterns:
                raise ValueError(
                    f"{name}: the columns {patterns[0]!r} are a pattern. Name each one"
                )
            return name

    config: Config

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the schema."""
        return tuple(_schema(self.config.model).columns)

    def rule(self) -> Rule:
        """What it finds are rules that rows break."""
        return Rule(
            self.columns,
            pl.lit(value=True),
            f"values against {self.config.model}",
            REMEDY,
            judged=lambda rows: list(self._broken(rows)),
        )

    def _broken(self, rows: pl.DataFrame) -> Iterator[Rule]:
        errors = import_module("pandera.errors")
        try:
            _schema(self.config.model).validate(rows, lazy=True)
        except errors.SchemaErrors as found:
            for error in found.schema_errors:
                yield self._rule(error, len(rows))
        except pl.exceptions.PolarsError as error:
            raise ConfigError(f"{self.config.model}: {str(error).partition(chr(10))[0]}") from error

    def _rule(self, error: Any, rows: int) -> Rule:
        reason, model = error.reason_code.name, self.config.model
        if reason not in VALUES:
            raise ConfigError(
                f"the schema {model} does not go with this table: {error}. Numbers are float64"
                " here, all else is text, and null where a value is missing"
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
    """Of the one class with this name.

    Raises:
        ValueError: if there is no such class, or several.
    """
    models = list(_below(import_module("pandera.polars").DataFrameModel))
    found = [model for model in models if model.__name__ == name]
    if len(found) != 1:
        known = ", ".join(sorted(model.__name__ for model in models)) or "none"
        raise ValueError(
            f"{len(found)} classes have the name {name!r}. Those that the plugins define: {known}"
        )
    return found[0].to_schema()


def _below(model: Any) -> Iterator[Any]:
    for each in model.__subclasses__():
        yield each
        yield from _below(each)
