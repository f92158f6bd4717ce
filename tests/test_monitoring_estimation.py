"""The quality without labels, estimated for rows that are distributed unlike the test set."""

from typing import Any

import numpy as np
import pytest

from onward.monitoring.estimation import Correction, Estimate
from onward.monitoring.log import Log
from onward.monitoring.predictions import Scores
from onward.monitoring.profile import Profile
from onward.monitoring.quality import estimated
from onward.monitoring.tally import WindowCounts
from onward.monitoring.verdicts import Commands, verdict

ROWS = 1_000


def rows(seed: int, shift: float, number: int = ROWS) -> tuple[Scores, np.ndarray]:
    """Values with absolute errors that grow with them."""
    draw = np.random.default_rng(seed)
    values = draw.normal(shift, 1, number)
    errors = np.abs(draw.normal(size=number)) * np.exp(values / 2)
    return Scores("mae", np.zeros(number), values), errors


def estimate(correction: Correction, scores: Scores) -> Estimate:
    [sums] = correction.sums(scores, np.zeros(len(scores.position), np.int64), 1)
    return correction.estimate(sums)


@pytest.mark.parametrize(("shift", "least"), [(0.0, 0.9), (0.5, 0.9), (1.0, 0.87)])
def test_the_interval_holds_the_truth_of_shifted_rows(shift: float, least: float) -> None:
    held = []
    for seed in range(200):
        correction = Correction.learn(*rows(seed, 0.0, 3_000))
        scores, outcome = rows(1_000 + seed, shift)
        found = estimate(correction, scores)
        held.append(found.lower <= outcome.mean() <= found.upper)
    assert np.mean(held) >= least


def test_the_support_shrinks_where_the_test_set_has_hardly_any_rows() -> None:
    correction = Correction.learn(*rows(0, 0.0))
    near, far, further = (estimate(correction, rows(1, shift)[0]).support for shift in (0, 1, 2.5))
    assert 0.9 < near <= 1
    assert 0.25 < far < 0.6  # that of importance weights is exp(-1) = 0.37
    assert further < 0.1


def test_a_parabola_widens_the_interval_where_rows_are_in_the_tail() -> None:
    scores, outcome = rows(0, 0.0)
    bent = Correction.learn(scores, outcome + np.maximum(scores.position - 1, 0) ** 3)
    assert (bent.curve[-1] != 0).all()
    straight = Correction.of_note({**bent.note(), "curve": [[0.0] * 3] * len(bent.rows)})
    far, near = estimate(bent, rows(1, 1.0)[0]), estimate(straight, rows(1, 1.0)[0])
    assert far.upper > near.upper
    assert far.lower == pytest.approx(near.lower, rel=1e-3)


def test_the_note_is_read_as_it_was_written_and_that_of_older_files_too() -> None:
    correction = Correction.learn(*rows(0, 0.0))
    scores = rows(1, 0.3)[0]
    found = estimate(correction, scores)
    again = estimate(Correction.of_note(correction.note()), scores)
    older = {k: v for k, v in correction.note().items() if k not in {"error", "curve"}}
    before = estimate(Correction.of_note(older), scores)
    assert again.upper == pytest.approx(found.upper, rel=1e-3)
    assert before.value == pytest.approx(found.value, rel=1e-3)
    assert before.lower < before.value < before.upper


def test_the_note_holds_for_values_that_differ_little() -> None:
    scores, outcome = rows(0, 0.0)
    high = Scores("mae", scores.expected, 1e6 + 10 * scores.position)
    correction = Correction.learn(high, outcome)
    found, again = (
        estimate(one, high) for one in (correction, Correction.of_note(correction.note()))
    )
    assert again.support == pytest.approx(found.support, rel=0.01)
    assert again.value == pytest.approx(found.value, rel=1e-3)


def test_a_window_without_an_estimate_is_said_to_be_unlike_the_test_set() -> None:
    correction = Correction.learn(*rows(0, 0.0))
    profile = Profile({}, {}, {"mae": {"mean": 1.0, "sd": 1.0}}, {}, correction)
    windows = []
    for shift, number in ((0.0, ROWS), (3.0, ROWS), (0.0, 100)):  # too few rows in the last
        scores = rows(1, shift, number)[0]
        [sums] = correction.sums(scores, np.zeros(number, np.int64), 1)
        windows.append(WindowCounts(rows=number, estimated=sums))
    found = estimated(profile, Log([0, 1, 2], windows, None))
    assert found is not None
    assert found["unlike"] == [False, True, False]
    assert found["windows"][1] is None
    document = {
        **{key: list[Any]() for key in ("windows", "predictions", "contract", "quality")},
        "columns": [{"name": "age", "state": "quiet"}],
        "estimate": found,
        "slices": None,
    }
    sentence = verdict(document, Commands("again", "labels", "wider", "dvc repro")).sentence
    assert "the last rows are unlike those of the test set" in sentence
