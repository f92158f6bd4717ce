"""What a column looks like, against plain Python and numpy."""

import itertools
from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.table.column_profile import MAX_TOP_VALUES, PROFILE_BINS, profile, reference


@given(st.lists(st.none() | st.integers(0, 60).map(str)))
def test_text_is_counted(values: list[str | None]) -> None:
    found = profile(pl.Series(values, dtype=pl.String))
    counts = Counter(value for value in values if value is not None)
    want = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_TOP_VALUES]
    assert [tuple(pair) for pair in found["top"]] == want
    assert found["distinct"] == len(counts)
    assert found["missing"] == (values.count(None) / len(values) if values else 0)
    shares = reference(found, max(1, len(values)))
    assert sum([*shares["shares"], shares["other"], shares["missing"]]) == pytest.approx(1)


@given(st.lists(st.none() | st.floats(), min_size=1))
def test_numbers_fall_into_bins(values: list[float | None]) -> None:
    found = profile(pl.Series(values, dtype=pl.Float64))
    present = np.array([v for v in values if v is not None and not np.isnan(v)])
    finite = present[np.isfinite(present)]
    assert found["missing"] == pytest.approx(1 - len(present) / len(values))
    if len(finite):
        assert sum(found["histogram"]["counts"]) == len(finite)
        assert len(found["histogram"]["edges"]) in {PROFILE_BINS + 1, 2}
        assert np.isfinite(found["histogram"]["edges"]).all()
        assert (found["min"], found["max"]) == (finite.min(), finite.max())
    else:
        assert "histogram" not in found


def test_the_outer_bins_take_what_is_far_out() -> None:
    values = [*np.linspace(0, 1, 10_000), 1e9]
    edges = profile(pl.Series(values))["histogram"]["edges"]
    assert edges[-1] < 1.01


@given(st.lists(st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))))
def test_dates_fall_into_bins_of_dates(values: list[datetime | None]) -> None:
    found = profile(pl.Series(values, dtype=pl.Datetime("us")))
    present = [value.replace(microsecond=0) for value in values if value is not None]
    assert found["missing"] == (values.count(None) / len(values) if values else 0)
    if not present:
        assert "histogram" not in found
        return
    assert sum(found["histogram"]["counts"]) == len(present)
    ends = [datetime.fromisoformat(found[end]) for end in ("min", "max")]
    assert ends == [min(present), max(present)]
    edges = [*map(datetime.fromisoformat, found["histogram"]["edges"])]
    assert edges == sorted(edges)
    tick = timedelta(days=1) if len(found["min"]) == 10 else timedelta(seconds=1)
    inside = [min(max(value, edges[0]), edges[-1] - tick) for value in present]
    assert found["histogram"]["counts"] == counted(inside, edges)
    assert len(edges) <= PROFILE_BINS + 1
    assert reference(found, len(values))["edges"] == found["histogram"]["edges"]


def counted(values: list[datetime], edges: list[datetime]) -> list[int]:
    """Values from each edge to before the next."""
    pairs = itertools.pairwise(edges)
    return [sum(low <= value < high for value in values) for low, high in pairs]


YEARS = (2020, 2021, 2025, 2026)


def test_days_have_no_time() -> None:
    days = [datetime(2024, 5, day) for day in (1, 1, 2, 2, 2, 4)]
    found = profile(pl.Series([*days, None]))
    assert (found["min"], found["max"]) == ("2024-05-01", "2024-05-04")
    edges = [f"2024-05-0{day}" for day in range(1, 6)]
    assert found["histogram"] == {"edges": edges, "counts": [2, 3, 0, 1]}


@pytest.mark.parametrize("days", [1, 2, 21, 60, 385])
def test_even_days_make_even_bins(days: int) -> None:
    values = pl.Series([datetime(2024, 1, 1) + timedelta(day) for day in range(days)])
    counts = profile(values)["histogram"]["counts"]
    assert len(counts) <= PROFILE_BINS
    assert min(counts) > 0.7 * max(counts)


def test_one_day_among_few_others_has_bins_beside_it() -> None:
    values = pl.Series([datetime(2024, 1, 1)] * 996 + [datetime(year, 1, 1) for year in YEARS])
    counts = profile(values)["histogram"]["counts"]
    assert (max(counts), sum(count > 0 for count in counts)) == (996, 5)


def test_outliers_are_far_from_the_quartiles() -> None:
    values = [*np.linspace(0, 1, 101), 2.2, 2.6, -1.6]
    assert profile(pl.Series(values))["outliers"] == 2
    assert profile(pl.Series([0.0] * 99 + [1.0]))["outliers"] == 0
