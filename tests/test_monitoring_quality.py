"""Calibration, and slices in which the model became worse."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LinearRegression, LogisticRegression

from onward.monitoring.calibration import (
    ProbabilityCalibration,
    ValueCalibration,
    calibration_of,
    calibration_of_note,
)
from onward.monitoring.profile import Distribution
from onward.monitoring.slices import LISTED, Slice, listed, slices
from onward.monitoring.tally import WindowCounts
from onward.monitoring.verdicts import Commands, verdict

Array = np.ndarray
TEST = [(200, 0.4, 0.5), (200, 0.5, 0.5), (0, 0, 0)]  # rows, mean and spread of the loss


def classified(rows: int, slope: float, seed: int = 0) -> tuple[Array, Array]:
    """Probabilities with a calibration slope, and whether the outcome came."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(-0.5, 1.5, rows)
    came = draw.random(rows) < expit(slope * odds + 0.2)
    return expit(odds), came.astype(float)


def test_the_slope_of_probabilities_is_that_of_a_logistic_regression() -> None:
    probability, came = classified(3_000, 0.6)
    found = ProbabilityCalibration().slope(ProbabilityCalibration().sums(probability, came))
    want = LogisticRegression(C=np.inf).fit(logit(probability)[:, None], came)
    assert found is not None
    assert found.value == pytest.approx(want.coef_[0, 0], abs=2e-3)
    assert found.value + 2.5 * found.error > 0.6 > found.value - 2.5 * found.error


def test_sums_of_parts_are_those_of_the_whole() -> None:
    points = classified(1_000, 1.0)
    for measure in (ProbabilityCalibration(), ValueCalibration(0.4, 0.7)):
        parts = [
            measure.sums(*(part[rows] for part in points))
            for rows in (slice(300), slice(300, None))
        ]
        np.testing.assert_allclose(parts[0] + parts[1], measure.sums(*points))


@pytest.mark.parametrize("slope", [0.7, 1.0, 1.4])
def test_intervals_of_slopes_hold_the_truth(slope: float) -> None:
    measure, held = ProbabilityCalibration(), 0
    for seed in range(200):
        found = measure.slope(measure.sums(*classified(500, slope, seed)))
        assert found is not None
        held += abs(found.value - slope) < 1.96 * found.error
    assert 0.9 < held / 200 < 0.99


def test_the_slope_of_values_allows_for_noise_that_grows() -> None:
    draw, held = np.random.default_rng(1), 0
    for _ in range(300):
        value = 1e6 + 1e3 * np.exp(draw.normal(0, 0.5, 800))
        truth = 1e6 + 0.8 * (value - 1e6) + draw.normal(size=800) * (value - 1e6) * 0.3
        measure = calibration_of(value, is_probability=False)
        found = measure.slope(measure.sums(value, truth))
        assert found is not None
        held += abs(found.value - 0.8) < 1.96 * found.error
    assert found is not None
    assert 0.89 < held / 300 < 0.99
    want = LinearRegression().fit(value[:, None], truth).coef_[0]
    assert found.value == pytest.approx(want, rel=1e-6)


def test_few_or_separable_rows_have_no_slope() -> None:
    measure = ProbabilityCalibration()
    assert measure.slope(measure.sums(*classified(30, 1.0))) is None
    probability = np.linspace(0.1, 0.9, 100)
    assert measure.slope(measure.sums(probability, (probability > 0.5) * 1.0)) is None
    assert ValueCalibration(0.0, 1.0).slope(np.zeros((5, 3))) is None
    assert (
        measure.slope(measure.sums(np.array([0.0, 1.0] * 100), np.tile([1.0, 0, 0, 1], 50)))
        is not None
    )


def test_frequencies_have_intervals() -> None:
    measure = ProbabilityCalibration()
    probability, came = classified(5_000, 1.0)
    found = measure.frequencies(measure.sums(probability, came))
    rows = np.bincount((probability * 10).astype(int))
    assert [part.rows for part in found] == pytest.approx(rows, rel=0.2)  # edges of narrow bins
    inside = (probability >= 0.3) & (probability < 0.4)
    assert found[3].predicted == pytest.approx(probability[inside].mean(), abs=0.01)
    assert found[3].observed == pytest.approx(came[inside].mean(), abs=0.02)
    assert found[3].lower < found[3].observed < found[3].upper


def test_a_note_has_what_the_measure_needs() -> None:
    value = np.arange(1_000.0)
    measure = calibration_of(value, is_probability=False)
    known = calibration_of_note({"slope": 0.9, "error": 0.1, **measure.note()})
    assert known.measure == measure
    probabilities = calibration_of_note({"slope": 0.9, "error": 0.1})
    assert isinstance(probabilities.measure, ProbabilityCalibration)


def window(*means: float, rows: int = 400) -> WindowCounts:
    """Losses with these means in the bins of a column, all with the spread 0.5."""
    sums = [(rows, rows * mean, rows * (mean**2 + 0.25)) for mean in (*means, 0.0)]
    return WindowCounts(rows=1_000, labelled=1_000, losses={"city": np.array(sums)})


def cities() -> dict[str, Distribution]:
    note = {"values": ["Ulm"], "counts": [1, 1, 1], "spread": 0.0, "losses": TEST}
    return {
        "city": Distribution("city", note),
        "age": Distribution("age", {"edges": [], "counts": [1, 1]}),
    }


def test_a_slice_is_worse_in_two_windows_running() -> None:
    windows = [window(0.4, 0.5), window(0.8, 0.5), window(0.8, 0.5)]
    found = slices(cities(), windows, [True] * 3, 0.05)
    assert [(part.name, part.states) for part in found] == [
        ("Ulm", ["quiet", "watch", "drift"]),
        ("other", ["quiet"] * 3),
    ]
    entry = found[0].entry(["Mon", "Tue", "Wed"])
    assert (entry["state"], entry["since"], entry["rows"]) == ("drift", "Tue", 400)
    assert entry["lower"] < entry["value"] < entry["upper"]
    assert entry["value"] == pytest.approx(0.8)
    assert entry["held_out"] == 0.4


def test_few_rows_and_few_labels_are_not_tested() -> None:
    assert slices(cities(), [window(9.0, 9.0, rows=49)], [True], 0.05) == []
    assert slices(cities(), [window(9.0, 9.0)], [False], 0.05) == []
    [ulm, _] = slices(cities(), [window(0.9, 0.5), window(0.9, 0.5)], [True, False], 0.05)
    assert ulm.states == ["watch", "too few"]


def test_quiet_slices_are_listed_up_to_a_number() -> None:
    quiet = Slice("a", "b", ["quiet"], np.array([50.0, 1, 1]), np.array(TEST[0]))
    was_worse = Slice("a", "c", ["watch", "quiet"], quiet.now, quiet.reference)
    assert len([*listed([*[quiet] * 100, was_worse])]) == LISTED + 1


@pytest.mark.parametrize(
    ("lost", "start"),
    [
        ([], "The log-loss is worse than on the test set for city = Ulm. "),
        (["log_loss"], "The log-loss is worse than on the test set, above all for city = Ulm. "),
        (["accuracy", "log_loss"], "The accuracy and log-loss are worse than on the test set, "),
    ],
)
def test_a_worse_slice_is_an_alarm(lost: list[str], start: str) -> None:
    parts = [{"column": "city", "slice": "Ulm", "state": "drift"}]
    quality = [
        {"name": name, "state": "drift", "held_out": 0.4, "windows": [{"value": 0.9}]}
        for name in lost
    ]
    document = {
        **{key: [] for key in ("columns", "predictions", "contract")},
        "windows": [{"name": "2025-03-01", "rows": 500}],
        "quality": quality,
        "estimate": None,
        "slices": {"name": "log_loss", "slices": parts},
    }
    found = verdict(document, Commands("again", "labels", "wider", "dvc repro"))
    assert found.is_alarm
    assert found.sentence.startswith(start)
    assert found.command == "dvc repro"
