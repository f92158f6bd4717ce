"""Raw values as numbers, for models that take nothing else."""

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from onward.preprocessing.columns import moments, numbers
from onward.schema import Field, Schema
from onward.tasks.metrics import Array

MOST = 254  # categories; scikit-learn's trees take 255, and one is all that are rarer


def encoder(schema: Schema, train: pl.DataFrame) -> Callable[[pl.DataFrame], Array]:
    """Raw rows to float64; NaN is missing, and so is a category that training has not seen."""
    known = {
        field.name: _common(train[field.name])
        for field in schema.columns
        if field.meaning == "category"
    }

    def encode(rows: pl.DataFrame) -> Array:
        dates = {
            field.name: moments(field, rows[field.name])
            for field in schema.columns
            if field.meaning == "date"
        }
        columns = [
            _floats(dates[field.name].dt.epoch("s"))
            if field.name in dates
            else _numbers(field, rows[field.name], known)
            for field in schema.columns
        ]
        parts = [part for at in dates.values() for part in _parts(at)]
        return np.stack([*columns, *parts], axis=1)

    return encode


def _common(values: pl.Series) -> Mapping[object, float]:
    counts = values.drop_nulls().alias("value").value_counts(name="rows")
    ordered = counts.sort("rows", "value", descending=[True, False])["value"].to_list()
    return {value: float(min(place, MOST)) for place, value in enumerate(ordered)}


def _numbers(field: Field, values: pl.Series, known: Mapping[str, Mapping[object, float]]) -> Array:
    if field.name in known:
        table = known[field.name]
        codes = values.replace_strict(
            list(table), list(table.values()), default=None, return_dtype=pl.Float64
        )
        return codes.to_numpy()
    return numbers(field, values).to_numpy()


def _parts(dates: pl.Series) -> list[Array]:
    """Month, weekday and hour; trees cannot find them in seconds."""
    return [*map(_floats, (dates.dt.month(), dates.dt.weekday(), dates.dt.hour()))]


def _floats(values: pl.Series) -> Array:
    return values.cast(pl.Float64).to_numpy()
