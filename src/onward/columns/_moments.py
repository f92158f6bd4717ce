"""Dates as people read them, many at once; what a file makes of them is in ONNX."""

import polars as pl

CLOCK = (("%Y-%m-%d %H:%M:%S", 19), ("%Y-%m-%d %H:%M", 16), ("%Y-%m-%d", 10))  # with its length


def moments(values: pl.Series) -> pl.Series:
    """As the clock says, whatever its offset; null where it is none."""
    slashed = [values.str.to_datetime(form, strict=False) for form in ("%m/%d/%Y", "%d/%m/%Y")]
    best = min(slashed, key=lambda dates: dates.null_count())
    if best.null_count() < len(values):
        return best
    plain = values.str.replace("T", " ", literal=True)
    read = [
        plain.str.slice(0, length).str.to_datetime(form, strict=False) for form, length in CLOCK
    ]
    return pl.select(pl.coalesce(*read)).to_series()
