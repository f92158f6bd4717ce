"""Raw values encoded as numbers, for scikit-learn models."""

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from onward.preprocessing.columns import meaning, semantic_type
from onward.preprocessing.feed import tensor
from onward.schema import Field, Schema
from onward.tasks.metrics import Array
from onward.wires import SCALARS, wire_of

MAX_ELEMENTS = 1_000  # of a row of several values; trees take minutes for more
MAX_CATEGORIES = 254  # scikit-learn's trees take 255; the last one collects rare ones


def can_encode(field: Field) -> bool:
    """Whether the baselines can read a column: what has a meaning, and rows of a few values."""
    is_vector = field.wire not in SCALARS and wire_of(field.wire).size <= MAX_ELEMENTS
    return is_vector or semantic_type(field) != "none"


def encoder(schema: Schema, train: pl.DataFrame) -> Callable[[pl.DataFrame], Array]:
    """A function from raw rows to float64; missing and unseen categories become NaN.

    A feature for each column of the schema, then further parts of dates and of rows of several
    values. Without a column that can be read, one constant feature.
    """
    types = {field.name: semantic_type(field) for field in schema.columns}
    codes = {
        name: _codes_by_frequency(train[name]) for name, of in types.items() if of == "category"
    }

    def encode(rows: pl.DataFrame) -> Array:
        columns, parts = [], []
        for field in schema.columns:
            values = rows[field.name]
            if field.name in codes:
                columns.append(_codes(codes[field.name], values))
                continue
            if types[field.name] == "none":
                first, *rest = tensor(values, field.wire).reshape(len(values), -1).T
                columns.append(first.astype(np.float64))
                parts += [element.astype(np.float64) for element in rest]
                continue
            values = meaning(field, values)
            if types[field.name] == "date":
                parts += _parts(values)
                values = values.dt.epoch("s")
            columns.append(_floats(values))
        return np.stack([*columns, *parts] or [np.zeros(len(rows))], axis=1)

    return encode


def _codes_by_frequency(values: pl.Series) -> Mapping[object, float]:
    counts = values.drop_nulls().alias("value").value_counts(name="rows")
    ordered = counts.sort("rows", "value", descending=[True, False])["value"].to_list()
    return {value: float(min(rank, MAX_CATEGORIES)) for rank, value in enumerate(ordered)}


def _codes(code_of: Mapping[object, float], values: pl.Series) -> Array:
    codes = values.replace_strict(
        list(code_of), list(code_of.values()), default=None, return_dtype=pl.Float64
    )
    return codes.to_numpy()


def _parts(dates: pl.Series) -> list[Array]:
    """Month, weekday and hour, which trees cannot derive from seconds."""
    return [*map(_floats, (dates.dt.month(), dates.dt.weekday(), dates.dt.hour()))]


def _floats(values: pl.Series) -> Array:
    return values.cast(pl.Float64).to_numpy()
