"""Columns of polars as the inputs of an ONNX graph."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from onward.errors import DataError
from onward.schema import Field
from onward.wires import wire_of


def feed(rows: pl.DataFrame, fields: Iterable[Field]) -> dict[str, np.ndarray]:
    """Raw rows as a graph takes them: for each field its tensor.

    Raises:
        ConfigError: if a field has an unknown wire.
        DataError: if values do not fit their wire.
    """
    return {field.name: tensor(rows[field.name], field.wire) for field in fields}


def tensor(values: pl.Series, wire: str) -> np.ndarray:
    """One column ``(rows, *shape)``; null becomes the missing value of the wire.

    Args:
        values: Float64 for `number`, String for `text`, an Array of the row's shape for others.
        wire: its name.
    """
    known = wire_of(wire)
    if isinstance(values.dtype, pl.Array):
        array, present = known.missing(len(values)), values.drop_nulls().to_numpy()
        if present.dtype != array.dtype:  # polars makes floats of integers with gaps
            raise DataError(
                f"column {values.name!r}: a row has {present.dtype} or missing elements, and {wire}"
                " is wanted. Correct the table: only a whole row may be missing"
            )
        array[values.is_not_null().to_numpy()] = present
        return array
    array = values.fill_null(known.element.missing).to_numpy()
    return array.astype(known.element.dtype, copy=False).reshape(-1, *known.shape)
