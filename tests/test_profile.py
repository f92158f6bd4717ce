"""What a column looks like, against plain Python and numpy."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.profile import BINS, MOST, profile, reference


@given(st.lists(st.none() | st.integers(0, 60).map(str)))
def test_text_is_counted(values: list[str | None]) -> None:
    found = profile(pl.Series(values, dtype=pl.String))
    counts = Counter(value for value in values if value is not None)
    want = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST]
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
        assert len(found["histogram"]["edges"]) in {BINS + 1, 2}
        assert np.isfinite(found["histogram"]["edges"]).all()
        assert (found["min"], found["max"]) == (finite.min(), finite.max())
    else:
        assert "histogram" not in found


def test_the_outer_bins_take_what_is_far_out() -> None:
    values = [*np.linspace(0, 1, 10_000), 1e9]
    edges = profile(pl.Series(values))["histogram"]["edges"]
    assert edges[-1] < 1.01


def test_outliers_are_far_from_the_quartiles() -> None:
    values = [*np.linspace(0, 1, 101), 2.2, 2.6, -1.6]
    assert profile(pl.Series(values))["outliers"] == 2
    assert profile(pl.Series([0.0] * 99 + [1.0]))["outliers"] == 0
