"""Distances of histograms, against scipy and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, chi2_contingency, false_discovery_control

from onward.monitoring.bins import (
    TIME_OF_DAY,
    CategoryBins,
    NumberBins,
    bins_of_note,
    frequent_bins,
    quantile_bins,
)
from onward.monitoring.effects import (
    discoveries,
    effect,
    p_value,
    q_values,
    spread_of_blocks,
    squared_effect,
    statistic,
)
from onward.monitoring.estimation import Correction, WindowSums
from onward.monitoring.log import Log
from onward.monitoring.profile import Profile
from onward.monitoring.proportions import wilson
from onward.monitoring.quality import estimated
from onward.monitoring.tally import WindowCounts
from onward.monitoring.verdicts import Commands, verdict


def test_the_statistic_is_that_of_a_contingency_table() -> None:
    counts, reference = np.array([5.0, 0, 17, 9]), np.array([40.0, 0, 90, 130])
    found, freedom = statistic(counts, reference)
    want = chi2_contingency(np.stack([counts, reference])[:, [0, 2, 3]])
    assert float(found) == pytest.approx(want.statistic)
    assert int(freedom) == want.dof
    assert p_value(counts, reference, 0.0) == pytest.approx(chi2.sf(want.statistic, want.dof))


def test_what_is_negligible_is_seldom_called_more() -> None:
    draw = np.random.default_rng(0)
    shares = np.full(10, 0.1)
    reference = draw.multinomial(20_000, shares, 4_000)
    moved = shares + 0.01 * np.tile([1, -1], 5)  # w is 0.1
    for rows in (500, 50_000):
        chances = p_value(draw.multinomial(rows, moved, 4_000), reference, 0.1)
        assert (chances < 0.05).mean() == pytest.approx(0.05, abs=0.012)


def test_the_interval_of_an_effect_holds_it() -> None:
    draw = np.random.default_rng(1)
    shares = np.full(10, 0.1)
    moved = shares + 0.02 * np.tile([1, -1], 5)  # w is 0.2
    found = [
        effect(draw.multinomial(2_000, moved), draw.multinomial(20_000, shares)) for _ in range(300)
    ]
    held = np.mean([each.lower <= 0.2 <= each.upper for each in found])
    assert 0.91 <= held <= 0.98
    assert np.mean([each.value for each in found]) == pytest.approx(0.2, abs=0.01)


def test_the_spread_of_blocks_is_free_of_their_noise() -> None:
    draw = np.random.default_rng(2)
    alike = draw.multinomial(500, np.full(10, 0.1), 20)
    assert spread_of_blocks(alike) < 0.04
    tilts = np.exp(draw.normal(size=(20, 1)) * 0.2 * np.linspace(-1.5, 1.5, 10))
    shares = tilts / tilts.sum(1, keepdims=True)
    blocks = np.array([draw.multinomial(5_000, each) for each in shares])
    want = np.sqrt(((shares - 0.1) ** 2 / 0.1).sum(1).mean())
    assert spread_of_blocks(blocks) == pytest.approx(want, rel=0.15)
    assert spread_of_blocks(alike[:1]) == 0.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_discoveries_are_those_of_benjamini_and_hochberg(chances: list[float]) -> None:
    found = q_values(np.array(chances))
    np.testing.assert_allclose(found, false_discovery_control(chances), atol=1e-12)
    assert (discoveries(np.array(chances)) == (found <= 0.05)).all()


@given(st.lists(st.floats() | st.sampled_from([0.0, 1.0]), min_size=1))
def test_every_number_is_in_one_bin(values: list[float]) -> None:
    bins = quantile_bins(np.array(values))
    indices = bins.indices(np.array(values))
    assert ((indices >= 0) & (indices < bins.size)).all()
    assert ((indices == bins.size - 1) == np.isnan(values)).all()
    assert len(bins.names) == bins.size
    assert (np.diff(bins.edges) > 0).all()


def test_quantile_bins_hold_as_many_rows() -> None:
    values = np.random.default_rng(0).standard_cauchy(10_000)
    bins = quantile_bins(values)
    counts = np.bincount(bins.indices(values))
    assert len(counts) == 10
    assert counts.min() > 950
    assert isinstance(quantile_bins(np.full(3, np.nan)), NumberBins)


def test_bins_have_names_that_people_read() -> None:
    bins = quantile_bins(np.array([36_000.0] * 9 + [86_399.0]), TIME_OF_DAY)
    assert bins.names == ["below 10:00", "10:00 and above", "missing"]
    assert quantile_bins(np.array([1.5, 2.5]), "kg").names[1] == "1.5 to 2.5 kg"
    few = quantile_bins(np.array([0.0, 1, 1, 4, 7]))
    assert few.names == ["below 0", "0", "1 to 3", "4 to 6", "7 and above", "missing"]
    assert bins_of_note(few.note()).names == few.names
    prices = quantile_bins(np.array([12_500.0, 12_501, 12_510, 99_999]))
    assert prices.names[1:4] == ["12500", "12501 to 12509", "12510 to 99998"]


def test_the_most_frequent_categories_have_bins() -> None:
    bins = frequent_bins({f"c{place:02}": 30 - place // 2 for place in range(30)})
    assert bins.values == tuple(f"c{place:02}" for place in range(20))
    assert bins.indices(["c00", "c29", "never", None]).tolist() == [0, 20, 20, 21]
    assert CategoryBins(()).names == ["present", "missing"]


def test_wilson_is_that_of_the_paper() -> None:
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)  # Newcombe 1998
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_effects_do_not_grow_with_rows() -> None:
    counts, reference = np.array([200.0, 300, 500]), np.array([3_000.0, 3_000, 4_000])
    large = squared_effect(100 * counts, 100 * reference)
    assert squared_effect(counts, reference) == pytest.approx(large, rel=0.05)


def test_an_estimate_is_an_accuracy() -> None:
    one = np.ones(1)
    zero = 0 * one
    parts = (300 * one, 0.1 * one, one, one, zero, one, zero)
    triples = np.array([[1 / 300, 0, 1]]), np.zeros((1, 3))
    correction = Correction(NumberBins(np.zeros(0)), *parts, *triples)
    profile = Profile({}, {}, {"accuracy": {"mean": 0.9, "sd": 0.3}}, {}, correction)
    window = WindowCounts(rows=300, estimated=WindowSums(297.0, 300 * one, zero, zero))
    estimate = estimated(profile, Log([0], [window], None))
    assert estimate is not None
    [value] = estimate["windows"]
    assert value["value"] == value["upper"] == 1
    assert 0 <= value["lower"] < 1


def test_a_column_is_named_once_with_the_rules_that_it_breaks() -> None:
    document = {
        "windows": [],
        "columns": [{"name": "city", "state": "drift"}, {"name": "age", "state": "quiet"}],
        "predictions": [],
        "contract": [
            {"column": "city", "kind": "unseen", "state": "drift"},
            {"column": "age", "kind": "out of range", "state": "drift"},
        ],
        "quality": [],
        "estimate": None,
        "slices": None,
    }
    found = verdict(document, Commands("again", "labels", "wider", "dvc repro"))
    assert "Drift in 2 of 2 columns and predictions: city (unseen), age (out of" in found.sentence
