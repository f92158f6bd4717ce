"""Windows of rows: by time, or of a fixed number of rows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, get_args

import numpy as np
import polars as pl

from onward.errors import DataError
from onward.monitoring.bins import Array

Period = Literal["hour", "day", "week", "month"]
EVERY: dict[str, str] = {"hour": "1h", "day": "1d", "week": "1w", "month": "1mo"}
ISO = r"^\d{4}-\d\d-\d\d"
NO_TIME = -1  # key of the window of rows without a time; no window begins in that second
LEAST_ROWS = 200  # of a window; tests of fewer rows have too little power


def by_time(times: pl.Series, period: Period) -> Array:
    """The start of the window of each row, in seconds since 1970; `NO_TIME` without a time.

    Windows begin in UTC; times without a zone are taken for such.

    Raises:
        DataError: if the column has other values than times.
    """
    starts = _in_utc(times).dt.truncate(EVERY[period]).dt.epoch("s")
    return starts.fill_null(NO_TIME).to_numpy()


def longer_period(rows: Mapping[int, int], period: Period) -> Period | None:
    """The shortest longer period with `LEAST_ROWS` rows in most of its windows; None without one.

    Args:
        rows: of each window, by its start.
        period: length of these windows.
    """
    starts = [start for start in rows if start != NO_TIME]
    times = pl.from_epoch(pl.Series(starts, dtype=pl.Int64), "s")
    counts = np.array([rows[start] for start in starts], np.int64)
    periods: tuple[Period, ...] = get_args(Period)
    for longer in periods[periods.index(period) + 1 :] if starts else ():
        _, index = np.unique(by_time(times, longer), return_inverse=True)
        # a week belongs to the month in which it begins: close enough for a proposal
        if np.median(np.bincount(index, counts)) >= LEAST_ROWS:
            return longer
    return None


def _in_utc(times: pl.Series) -> pl.Series:
    if isinstance(times.dtype, pl.Datetime):
        return times.dt.convert_time_zone("UTC") if times.dtype.time_zone else times
    read = pl.repeat(None, len(times), dtype=pl.Datetime("us", "UTC"), eager=True)
    if times.dtype == pl.Date:
        return times.cast(pl.Datetime("us"))
    if times.dtype == pl.String:
        times = times.replace("", None)
        # without the year first, it would be a guess which one is the day
        iso = pl.select(pl.when(times.str.contains(ISO)).then(times)).to_series()
        read = iso.str.to_datetime(strict=False, time_zone="UTC")
    wrong = times.filter(read.is_null() & times.is_not_null())
    if len(wrong):
        raise DataError(
            f"column {times.name!r} has values that are no times, such as {wrong[0]!r}. Write them"
            " like 2026-11-30T12:00:00, name another column with --time, or give --rows"
        )
    return read


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
