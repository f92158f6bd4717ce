"""Hostile rows: missing, unseen, empty, huge and malformed values."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from onward.schema import Field
from onward.serving.column_settings import units_of
from onward.wires import SCALARS, Wire, wire_of

NUMBERS = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, -1e308, 5e-324, 0.1, -7.0, 2.0**53 + 2]
TEXTS = [
    *["", " ", "?", "NaN", "null", "é", "e\u0301", "日本語 \U0001f600", "\n\t", "a" * 10_000],
    *["0", "-1", "1e400", "2024-02-30", "2024-02-29T23:59:59.999999999Z", "0001-01-01", "true"],
]
QUANTITIES = ["1{}", "-1.5 {}", ".5{}", "1e99{}", "1e-99{}", "{}1", "1{0}{0}", "1,234{}", "{}"]
"""Numbers with a unit, or nearly so."""
GROUPS = 200  # of columns; with as many rows as columns, work would grow with their square


def hostile_rows(rows: pl.DataFrame, fields: Sequence[Field]) -> pl.DataFrame:
    """Usual rows, rows with one bad value each, and rows with nothing but bad values.

    In tables with more than 200 columns a row has a bad value in several of them.
    """
    rng = np.random.default_rng(0)
    usual = rows.select(field.name for field in fields)
    parts = [usual]
    bad = {column.name: _bad(column, usual[column.name].dtype) for column in fields}
    columns = [*bad.values()]
    for start in range(min(GROUPS, len(columns))):
        group = columns[start::GROUPS]
        size = max(map(len, group))
        sampled = usual[rng.integers(0, len(usual), size)]
        parts.append(sampled.with_columns(v[np.arange(size) % len(v)] for v in group))
    mixed = [values[rng.integers(0, len(values), 50)] for values in columns]
    return pl.concat([*parts, pl.DataFrame(mixed)])


def _bad(column: Field, dtype: pl.DataType) -> pl.Series:
    if column.wire not in SCALARS:
        return _bad_vectors(wire_of(column.wire)).alias(column.name)
    if column.wire == "number":
        return pl.Series(column.name, [None, *NUMBERS], dtype)
    quantities = [form.format(unit) for unit in units_of(column) for form in QUANTITIES]
    return pl.Series(column.name, [None, *TEXTS, *quantities, *column.missing], dtype)


def _bad_vectors(wire: Wire) -> pl.Series:
    """A missing row, rows of one bad number, and rows with all bad numbers in turn."""
    dtype = wire.element.dtype
    if dtype.kind == "f":
        with np.errstate(over="ignore"):  # infinite in float32
            numbers = np.array(NUMBERS).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        numbers = np.array([limits.min, limits.max, 0, 1, limits.max // 2], dtype)
    alike = np.repeat(numbers, wire.size).reshape(-1, *wire.shape)
    turns = [np.resize(np.roll(numbers, -turn), wire.shape) for turn in range(len(numbers))]
    rows = np.concatenate([wire.missing(1), alike, turns])
    return pl.Series(rows).set(pl.Series(np.arange(len(rows)) == 0), None)
