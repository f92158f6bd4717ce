"""The windows of a log by time."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from onward.errors import DataError
from onward.monitoring.windows import NO_TIME, Period, by_time, longer_period, window_name

BERLIN = pl.Datetime("us", "Europe/Berlin")


def names(times: pl.Series, period: Period = "day") -> list[str]:
    return [window_name(int(key), period) for key in by_time(times, period)]


@pytest.mark.parametrize(
    "times",
    [
        pl.Series(["2026-03-02T23:59:59.5Z", "2026-03-02T00:00:00Z"]),
        pl.Series(["2026-03-03T00:30:00+01:00", "2026-03-02T12:00:00+0000"]),
        pl.Series([datetime(2026, 3, 2), datetime(2026, 3, 2, 23)]),
        pl.Series([datetime(2026, 3, 2), datetime(2026, 3, 2)]).cast(pl.Date),
        pl.Series([datetime(2026, 3, 2, 23, 30), datetime(2026, 3, 2, 1)]).cast(BERLIN),
    ],
)
def test_a_day_begins_at_midnight_in_utc(times: pl.Series) -> None:
    assert names(times) == ["2026-03-02"] * 2


def test_a_window_has_the_name_of_its_first_day() -> None:
    times = pl.Series([datetime(2026, 3, 4, 12)])
    for zone in (times, times.cast(BERLIN)):
        assert names(zone, "hour") == ["2026-03-04 12:00"]
        assert names(zone, "week") == ["2026-03-02"]
        assert names(zone, "month") == ["2026-03-01"]


@pytest.mark.parametrize("dtype", [pl.String, pl.Null, pl.Date, pl.Datetime("ms")])
def test_a_part_of_a_log_may_have_no_times(dtype: Any) -> None:
    assert names(pl.Series([None, None], dtype=dtype)) == ["no time"] * 2
    assert names(pl.Series(["", "2026-03-02"])) == ["no time", "2026-03-02"]


@pytest.mark.parametrize(
    "wrong",
    ["Köln", "30.11.2026", "11/30/2026", "03/02/2026", "20260302", "1767225600", 1767225600],
)
def test_what_is_no_time_is_named(wrong: Any) -> None:
    before = [] if isinstance(wrong, int) else ["2026-03-02"]
    with pytest.raises(
        DataError, match=f"column 'at' has values that are no times, such as {wrong!r}"
    ):
        names(pl.Series("at", [*before, None, wrong]))


@pytest.mark.parametrize(
    ("period", "rows", "want"),
    [
        ("hour", 20, "day"),  # 480 rows a day
        ("hour", 2, "week"),
        ("hour", 1, None),  # of 168 rows
        ("day", 20, "week"),
        ("month", 100, None),
    ],
)
def test_the_shortest_period_with_enough_rows_is_proposed(
    period: Period, rows: int, want: Period | None
) -> None:
    hour, monday = 3_600, int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
    starts = by_time(pl.from_epoch(pl.Series([monday + hour * n for n in range(7 * 24)])), "hour")
    counts = {int(start): rows for start in starts} | {NO_TIME: 1_000}
    assert longer_period(counts, period) == want


def test_no_period_is_proposed_for_rows_without_a_time() -> None:
    assert longer_period({NO_TIME: 500}, "hour") is None
