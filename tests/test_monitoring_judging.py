"""States of columns: what days may differ by, and what a drift is."""

import numpy as np
import pytest

from onward.monitoring.effects import p_value
from onward.monitoring.judging import Comparison, compare, judge, since, states
from onward.monitoring.negligible import negligible_effects
from onward.monitoring.profile import Distribution
from onward.monitoring.tally import WindowCounts

Array = np.ndarray
EVEN = np.full(10, 0.1)
LINE = np.linspace(-1.5, 1.5, 10)
TRAINING = 2_000 * np.ones(10)


def days(tilts: Array, rows: int = 5_000) -> Array:
    """Counts of days whose values are this much larger."""
    shares = EVEN * np.exp(np.multiply.outer(tilts, LINE))
    counts: Array = np.random.default_rng(1).multinomial(rows, shares / shares.sum(-1)[:, None])
    return counts.astype(float)


def random_tilts(number: int, spread: float) -> Array:
    tilts: Array = np.random.default_rng(2).normal(0, spread, number)
    return tilts


def test_days_that_are_alike_leave_what_is_negligible() -> None:
    for spread, want in ((0.0, 0.1), (0.06, 0.15)):
        found = negligible_effects(days(np.zeros(60)), spread)
        np.testing.assert_allclose(found, want, rtol=0.02)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_few_windows_leave_what_is_negligible(number: int) -> None:
    assert negligible_effects(days(random_tilts(number, 0.5)), 0.06).tolist() == [0.15] * number


def test_what_is_negligible_follows_days_that_differ_by_more_than_blocks() -> None:
    found = negligible_effects(days(random_tilts(400, 0.1)), 0.02)
    assert found[0] == 0.1
    assert found[-1] == pytest.approx(0.25, rel=0.15)


def test_what_is_negligible_does_not_depend_on_the_two_windows_that_are_judged() -> None:
    tilts = random_tilts(20, 0.1)
    later = tilts.copy()
    later[-2:] = 3.0
    limits = negligible_effects(days(tilts), 0.05), negligible_effects(days(later), 0.05)
    assert limits[0][-1] == limits[1][-1]


def test_one_extreme_window_does_not_make_all_effects_negligible() -> None:
    tilts = random_tilts(30, 0.05)
    quiet = negligible_effects(days(tilts), 0.05)[-1]
    tilts[20] = 5.0
    assert quiet < negligible_effects(days(tilts), 0.05)[-1] < 1.3 * quiet


def test_a_drift_that_stays_is_found_all_year() -> None:
    tilts = random_tilts(365, 0.05) + 0.3 * (np.arange(365) >= 60)
    [judgement] = states({"age": compare(days(tilts), TRAINING, 0.05)}).values()
    assert judgement.states[60:62] == ["watch", "drift"]
    assert judgement.states[61:].count("drift") > 300


def test_small_differences_in_opposite_directions_are_no_drift() -> None:
    comparison = compare(days(np.array([0.0, 0.4, -0.4, -0.4])), TRAINING, 0.02)
    [judgement] = states({"age": comparison}).values()
    assert judgement.states == ["quiet", "watch", "watch", "drift"]
    assert since(judgement.states, ["Mon", "Tue", "Wed", "Thu"]) == "Tue"


def test_large_differences_in_opposite_directions_are_drift() -> None:
    """Both windows together then have many small and many large values."""
    [judgement] = states(
        {"age": compare(days(np.array([0.0, 1.5, -1.5])), TRAINING, 0.02)}
    ).values()
    assert judgement.states == ["quiet", "watch", "drift"]


def test_rows_of_two_windows_are_tested_together() -> None:
    counts = days(random_tilts(3, 0.2))
    comparison = compare(counts, TRAINING, 0.0)
    want = p_value(
        np.stack([counts[0], counts[0] + counts[1], counts[1] + counts[2]]), TRAINING, 0.1
    )
    np.testing.assert_allclose(comparison.together, want)


def test_windows_with_few_rows_are_left_out() -> None:
    counts = days(random_tilts(5, 0.2))
    few = WindowCounts(rows=10, columns={"age": np.ones(10)})
    windows = [WindowCounts(rows=5_000, columns={"age": part}) for part in counts]
    known = {"age": Distribution("age", {"counts": TRAINING.tolist(), "spread": 0.02})}
    [found] = judge(known, [*windows[:2], few, *windows[2:]], "columns").values()
    want = compare(counts, TRAINING, 0.02)
    for name in ("alone", "together", "negligible"):
        np.testing.assert_array_equal(np.delete(getattr(found, name), 2), getattr(want, name))
        assert np.isnan(getattr(found, name)[2])


def test_a_column_that_no_window_has_gets_no_state() -> None:
    missing = Comparison(*np.full((3, 2), np.nan))
    assert states({"age": missing}) == {}
    known = compare(days(np.zeros(2)), TRAINING, 0.0)
    assert {*states({"age": missing, "size": known})} == {"size"}
