"""Raw values as numbers, for models that take nothing else."""

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from onward.preprocessing.columns import meaning, semantic_type
from onward.schema import Schema
from onward.tasks.metrics import Array

MOST = 254  # categories; scikit-learn's trees take 255, and one is all that are rarer


def encoder(schema: Schema, train: pl.DataFrame) -> Callable[[pl.DataFrame], Array]:
    """Raw rows to float64; NaN is missing, and so is a category that training has not seen."""
    types = {field.name: semantic_type(field) for field in schema.columns}
    known = {name: _common(train[name]) for name, of in types.items() if of == "category"}

    def encode(rows: pl.DataFrame) -> Array:
        columns, parts = [], []
        for field in schema.columns:
            values = rows[field.name]
            if field.name in known:
                columns.append(_codes(known[field.name], values))
                continue
            values = meaning(field, values)
            if types[field.name] == "date":
                parts += _parts(values)
                values = values.dt.epoch("s")
            columns.append(_floats(values))
        return np.stack([*columns, *parts], axis=1)

    return encode


def _common(values: pl.Series) -> Mapping[object, float]:
    counts = values.drop_nulls().alias("value").value_counts(name="rows")
    ordered = counts.sort("rows", "value", descending=[True, False])["value"].to_list()
    return {value: float(min(place, MOST)) for place, value in enumerate(ordered)}


def _codes(known: Mapping[object, float], values: pl.Series) -> Array:
    codes = values.replace_strict(
        list(known), list(known.values()), default=None, return_dtype=pl.Float64
    )
    return codes.to_numpy()


def _parts(dates: pl.Series) -> list[Array]:
    """Month, weekday and hour; trees cannot find them in seconds."""
    return [*map(_floats, (dates.dt.month(), dates.dt.weekday(), dates.dt.hour()))]


def _floats(values: pl.Series) -> Array:
    return values.cast(pl.Float64).to_numpy()
