"""Raw values as numbers, for models that take nothing else."""

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from onward.columns import moments, numbers
from onward.metrics import Array
from onward.schema import Field, Schema

MOST = 254  # categories; scikit-learn's trees take 255, and one is all that are rarer


def encoder(schema: Schema, train: pl.DataFrame) -> Callable[[pl.DataFrame], Array]:
    """Raw rows to float64; NaN is missing, and so is a category that training has not seen."""
    known = {
        field.name: _common(train[field.name])
        for field in schema.columns
        if field.meaning == "category"
    }

    def encode(rows: pl.DataFrame) -> Array:
        columns = [_numbers(field, rows[field.name], known) for field in schema.columns]
        dates = [part for field in schema.columns for part in _parts(field, rows[field.name])]
        return np.stack([*columns, *dates], axis=1)

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
    if field.meaning == "date":
        return moments(values).dt.epoch("s").cast(pl.Float64).to_numpy()
    return numbers(field, values).to_numpy()


def _parts(field: Field, values: pl.Series) -> list[Array]:
    """Month, weekday and hour of a date; trees cannot find them in seconds."""
    if field.meaning != "date":
        return []
    dates = moments(values)
    parts = (dates.dt.month(), dates.dt.weekday(), dates.dt.hour())
    return [part.cast(pl.Float64).to_numpy() for part in parts]
