"""Windows of rows: by time, or of a fixed number of rows."""

from datetime import UTC, datetime
from typing import Literal

import numpy as np
import polars as pl

from onward.errors import DataError
from onward.monitoring.bins import Array

Period = Literal["hour", "day", "week", "month"]
EVERY: dict[str, str] = {"hour": "1h", "day": "1d", "week": "1w", "month": "1mo"}
NO_TIME = -1  # key of the window of rows without a time; no window begins in that second
LEAST_ROWS = 200  # of a window; tests of fewer rows have too little power


def by_time(times: pl.Series, period: Period) -> Array:
    """The start of the window of each row, in seconds since 1970; `NO_TIME` without a time.

    Raises:
        DataError: if the column has no times.
    """
    first = times.drop_nulls().head(1).to_list()
    if times.dtype == pl.String:
        times = times.str.to_datetime(strict=False, time_zone="UTC")
    if times.dtype == pl.Date:
        times = times.cast(pl.Datetime("us"))
    if not isinstance(times.dtype, pl.Datetime) or times.null_count() == len(times) > 0:
        raise DataError(
            f"column {times.name!r} has no times{f', but {first[0]!r}' if first else ''}. Write"
            " them like 2026-11-30T12:00:00, name another column with --time, or give --rows"
        )
    starts = times.dt.truncate(EVERY[period]).dt.epoch("s")
    return starts.fill_null(NO_TIME).to_numpy()


def by_rows(first: int, number: int, size: int) -> Array:
    """The number of the first row in the window of each row."""
    return np.arange(first, first + number) // size * size


def window_name(key: int, period: Period | None) -> str:
    """The name of a window in texts."""
    if period is None:
        return f"rows from {key:,}"
    if key == NO_TIME:
        return "no time"
    return datetime.fromtimestamp(key, UTC).strftime(
        "%Y-%m-%d %H:%M" if period == "hour" else "%Y-%m-%d"
    )
