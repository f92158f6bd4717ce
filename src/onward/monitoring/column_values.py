"""What is compared of a column: numbers, the time of day of dates, categories by their names.

Of rows of several values it is whether they are missing.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from onward.monitoring.bins import Array, Bins, NumberBins
from onward.schema import Field
from onward.serving.input_arrays import to_wire
from onward.serving.text_reading import TextReader
from onward.wires import SCALARS, wire_of

DAY = 86_400  # seconds
PRESENT = "present"  # a row of several values


def bin_indices(
    field: Field, values: pl.Series, bins: Bins, reader: TextReader | None = None
) -> Array:
    """For each value of a column its bin.

    Args:
        field: of the column.
        values: Float64, String or Array, as a source gives them.
        bins: of the column.
        reader: of its texts, if they stand for numbers.
    """
    if isinstance(bins, NumberBins):
        return bins.indices(numbers(field, values, reader))
    distinct, inverse = distinct_values(field, values)
    indices: Array = bins.indices(category_names(field, distinct))[inverse]
    return indices


def numbers(field: Field, values: pl.Series, reader: TextReader | None = None) -> Array:
    """A column as float64, NaN for missing; of dates the second of the day.

    Later dates are the rule, and would always differ from those of the training rows.
    """
    if field.wire == "number":
        array: Array = to_wire(field, values.to_numpy(), 0).ravel()
        return array
    distinct, inverse = distinct_values(field, values)
    read = np.full(len(distinct), np.nan)
    if reader is not None and len(distinct):
        texts = ["" if text in field.missing else text for text in distinct]
        read = reader.numbers(np.array(texts, object).reshape(-1, 1))
    converted: Array = read[inverse]
    return converted % DAY if field.type == "datetime" else converted


def distinct_values(field: Field, values: pl.Series) -> tuple[list[Any], Array]:
    """The distinct values of a column as the model takes them, and for each row which it has.

    Rows of several values are `PRESENT` or "".
    """
    if field.wire not in SCALARS:
        return ["", PRESENT], _is_present(field, values).astype(np.int64)
    if field.wire == "number":
        array = to_wire(field, values.to_numpy(), 0).ravel()
        distinct, inverse = np.unique(array, return_inverse=True)
        return distinct.tolist(), inverse
    texts = values.fill_null("")
    unique = texts.unique(maintain_order=True)
    indices = texts.cast(pl.Enum(unique)).to_physical()
    return unique.to_list(), indices.to_numpy().astype(np.int64)


def category_names(field: Field, distinct: Sequence[Any]) -> list[str | None]:
    """Categories as text; None for missing."""
    if field.wire == "number":
        return [None if number != number else number_name(number) for number in distinct]
    return [None if text == "" or text in field.missing else text for text in distinct]


def _is_present(field: Field, values: pl.Series) -> Array:
    present: Array = values.is_not_null().to_numpy().copy()
    present[present] = ~wire_of(field.wire).is_missing(values.drop_nulls().to_numpy())
    return present


def number_name(number: float) -> str:
    """A category that is a number; a whole one without a fraction."""
    return str(int(number)) if np.isfinite(number) and number == int(number) else repr(number)
