"""Hostile rows: missing, unseen, empty, huge and malformed values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from onward.schema import Field
from onward.serving.column_settings import units_of

NUMBERS = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, -1e308, 5e-324, 0.1, -7.0, 2.0**53 + 2]
TEXTS = [
    *["", " ", "?", "NaN", "null", "é", "e\u0301", "日本語 \U0001f600", "\n\t", "a" * 10_000],
    *["0", "-1", "1e400", "2024-02-30", "2024-02-29T23:59:59.999999999Z", "0001-01-01", "true"],
]
QUANTITIES = ["1{}", "-1.5 {}", ".5{}", "1e99{}", "1e-99{}", "{}1", "1{0}{0}", "1,234{}", "{}"]
"""Numbers with a unit, or nearly so."""


def hostile_rows(rows: pl.DataFrame, fields: Sequence[Field]) -> pl.DataFrame:
    """Usual rows, rows with one bad value each, and rows with nothing but bad values."""
    rng = np.random.default_rng(0)
    usual = rows.select(field.name for field in fields)
    parts = [usual]
    for column in fields:
        values = _bad(column)
        some = usual[rng.integers(0, len(usual), len(values))]
        parts.append(some.with_columns(pl.Series(column.name, values, usual[column.name].dtype)))
    mixed = {
        column.name: pl.Series(
            [_bad(column)[place] for place in rng.integers(0, len(_bad(column)), 50)],
            dtype=usual[column.name].dtype,
        )
        for column in fields
    }
    return pl.concat([*parts, pl.DataFrame(mixed)])


def _bad(column: Field) -> list[Any]:
    if column.wire == "number":
        return [None, *NUMBERS]
    quantities = [form.format(unit) for unit in units_of(column) for form in QUANTITIES]
    return [None, *TEXTS, *quantities, *column.missing]
