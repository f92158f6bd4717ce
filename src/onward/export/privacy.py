"""The raw values in a model file: sample rows, categories and ranges of columns."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import Field as Setting

from onward.errors import ConfigError, suggestion
from onward.schema import Field
from onward.serving.column_settings import ISO, date_format_of, decimal_of, units_of
from onward.settings.family import Settings
from onward.wires import SCALARS, Wire, wire_of

ROWS = 100  # that travel in the file, with their predictions
MOST_VALUES = 200_000  # in these rows, some 4 MB of text; rows of many values are fewer
SINCE, DAYS = datetime(2000, 1, 1, tzinfo=UTC), 9_000  # of made-up dates

Replay = Literal["rows", "synthetic", "none"]


class Privacy(Settings):
    """``replay``: the sample rows, whose predictions `onward verify` compares.

    ``rows`` are test rows, ``synthetic`` rows with independently drawn columns, and ``none`` is one
    row of missing values. ``hide``: columns without values in the file, in ``signature.json`` and
    on pages.
    """

    replay: Replay = "rows"
    hide: tuple[str, ...] = Setting(default=())

    @property
    def may_recognize_rows(self) -> bool:
        """Whether the file may tell whether it was trained on a row.

        Who can ask that can also guess: the values of a hidden column one by one, or all rows of a
        table with few columns.
        """
        return self.replay == "rows" and not self.hide

    def refuse_unknown(self, names: Sequence[str]) -> None:
        """Raise if a hidden column is not one of these.

        Raises:
            ConfigError: naming it.
        """
        for name in self.hide:
            if name not in names:
                raise ConfigError(
                    f"export.hide: the table has no column {name!r}."
                    f" {suggestion(name, names, 'Remove it')}"
                )


def rows_to_replay(
    privacy: Privacy, columns: Sequence[Field], rows: pl.DataFrame, monitor: Mapping[str, Any]
) -> pl.DataFrame:
    """The sample rows for the file.

    Args:
        privacy: the settings.
        columns: the inputs of the model.
        rows: raw test rows.
        monitor: the note with the histograms of the columns.
    """
    names = [field.name for field in columns]
    most = min(ROWS, max(1, MOST_VALUES // sum(wire_of(field.wire).size for field in columns)))
    if privacy.replay == "rows":
        indices = np.unique(np.linspace(0, len(rows) - 1, most).astype(int))
        sample = rows[indices].select(names)
    elif privacy.replay == "synthetic":
        sample = _synthetic_rows(columns, rows.schema, monitor["columns"])[:most]
    else:
        sample = rows.clear().select(names).clear(1)
    hidden = [name for name in names if name in privacy.hide]
    return sample.with_columns(pl.lit(None, rows.schema[name]).alias(name) for name in hidden)


def plain_values(values: pl.Series) -> list[Any]:
    """The values of a column for JSON, which has no NaN."""
    return [_without_nan(value) for value in values.to_list()]


def without_values(notes: Mapping[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    """Descriptions of columns, of hidden ones only the share of missing values."""
    return {
        name: {"missing": note["missing"]} if name in hidden else note
        for name, note in notes.items()
    }


def _synthetic_rows(
    columns: Sequence[Field], types: Mapping[str, pl.DataType], known: Mapping[str, Any]
) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    values = {
        field.name: pl.Series(_values(field, known[field.name], draw), dtype=types[field.name])
        for field in columns
    }
    return pl.DataFrame(values)


def _values(field: Field, note: Mapping[str, Any], draw: np.random.Generator) -> list[Any]:
    """Categories and edges of bins in any order, dates of any day, and a missing value.

    Of rows of several values random numbers.
    """
    if field.wire not in SCALARS:
        return _synthetic_vectors(wire_of(field.wire), draw)
    if field.type == "datetime":
        dates = [SINCE + timedelta(days=int(day)) for day in draw.integers(0, DAYS, ROWS)]
        return [_date(field, date) for date in dates]
    choices: list[Any] = [None, *note.get("edges", note.get("values", []))]
    if "edges" in note and units_of(field):
        unit, factor = next(iter(units_of(field).items()))
        choices[1:] = [f"{edge / factor:.6g}{unit}" for edge in note["edges"]]
        decimal = decimal_of(field)
        choices[1:] = [text.replace(".", decimal) for text in choices[1:] if "e" not in text]
    elif field.wire == "number":
        choices[1:] = map(float, choices[1:])
    return [choices[index] for index in draw.integers(0, len(choices), ROWS)]


def _synthetic_vectors(wire: Wire, draw: np.random.Generator) -> list[Any]:
    shape = (ROWS - 1, *wire.shape)
    is_float = wire.element.dtype.kind == "f"
    numbers = draw.normal(size=shape) if is_float else draw.integers(0, 256, shape)
    return [None, *numbers.astype(wire.element.dtype).tolist()]


def _without_nan(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nan(element) for element in value]
    return None if value != value else value


def _date(field: Field, date: datetime) -> str:
    date_format = date_format_of(field)
    if date_format == ISO:
        return date.strftime("%Y-%m-%dT%H:%M:%SZ")
    seconds = int(date.timestamp())
    text = date_format.replace("%s", str(seconds)).replace("%Q", str(1_000 * seconds))
    return date.strftime(text)
