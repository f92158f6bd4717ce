"""Dates as people read them, many at once; what a file makes of them is in ONNX."""

import polars as pl

CLOCK = (("%Y-%m-%d %H:%M:%S", 19), ("%Y-%m-%d %H:%M", 16), ("%Y-%m-%d", 10))  # with its length


def moments(values: pl.Series) -> pl.Series:
    """As the clock says, whatever its offset; null where it is none, or in another order than most.

    Args:
        values: text, of which most is ISO-8601, or has the month or the day first before slashes.
    """
    plain = values.str.replace("T", " ", literal=True)
    iso = [plain.str.slice(0, length).str.to_datetime(form, strict=False) for form, length in CLOCK]
    slashed = [values.str.to_datetime(form, strict=False) for form in ("%m/%d/%Y", "%d/%m/%Y")]
    orders = [pl.select(pl.coalesce(*iso)).to_series(), *slashed]
    return min(orders, key=pl.Series.null_count)
