"""Metrics against scikit-learn, whose weights of rows are resamples of rows."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from onward.evaluation.bootstrap import MAX_BOOTSTRAP_ROWS, estimates
from onward.tasks import Array, Predictions, Task
from onward.tasks.binary import Binary
from onward.tasks.regression import Regression

Case = tuple[Array, Predictions]


def classes(rows: int, number: int, seed: int = 0, digits: int = 2) -> Case:
    """Probabilities with ties, that know something of the truth."""
    random = np.random.default_rng(seed)
    target = random.integers(number, size=rows)
    scores = random.normal(size=(rows, number)) + 2 * np.eye(number)[target]
    probabilities = (np.exp(scores) / np.exp(scores).sum(1, keepdims=True)).round(digits)
    probabilities[:, 0] = 1 - probabilities[:, 1:].sum(1)
    return target, {"label": probabilities.argmax(1), "probabilities": probabilities}


def numbers(rows: int, seed: int = 0, mean: float = 0.0) -> Case:
    random = np.random.default_rng(seed)
    target = random.normal(mean, 2.0, rows)
    value = target + random.normal(size=rows)
    return target, {"value": value, "lower": value - 1.5, "upper": value + 1.5}


REFERENCES: dict[tuple[str, str], Callable[[Array, Predictions, Array], float]] = {
    ("binary", "auc"): lambda y, p, w: reference.roc_auc_score(
        y, p["probabilities"][:, 1], sample_weight=w
    ),
    ("binary", "log_loss"): lambda y, p, w: reference.log_loss(
        y, p["probabilities"], sample_weight=w, labels=[0, 1]
    ),
    ("binary", "accuracy"): lambda y, p, w: reference.accuracy_score(
        y, p["label"], sample_weight=w
    ),
    ("binary", "f1"): lambda y, p, w: reference.f1_score(y, p["label"], sample_weight=w),
    ("binary", "balanced_accuracy"): lambda y, p, w: reference.balanced_accuracy_score(
        y, p["label"], sample_weight=w
    ),
    ("binary", "brier"): lambda y, p, w: reference.brier_score_loss(
        y, p["probabilities"][:, 1], sample_weight=w
    ),
    ("binary", "calibration_error"): lambda y, p, w: calibration_error(y, p, w),
    ("multiclass", "accuracy"): lambda y, p, w: reference.accuracy_score(
        y, p["label"], sample_weight=w
    ),
    ("multiclass", "macro_f1"): lambda y, p, w: reference.f1_score(
        y, p["label"], sample_weight=w, average="macro"
    ),
    ("multiclass", "log_loss"): lambda y, p, w: reference.log_loss(
        y, p["probabilities"], sample_weight=w, labels=[0, 1, 2, 3]
    ),
    ("multiclass", "balanced_accuracy"): lambda y, p, w: reference.balanced_accuracy_score(
        y, p["label"], sample_weight=w
    ),
    ("regression", "r2"): lambda y, p, w: reference.r2_score(y, p["value"], sample_weight=w),
    ("regression", "rmse"): lambda y, p, w: reference.root_mean_squared_error(
        y, p["value"], sample_weight=w
    ),
    ("regression", "mae"): lambda y, p, w: reference.mean_absolute_error(
        y, p["value"], sample_weight=w
    ),
    ("regression", "coverage"): lambda y, p, w: float(
        np.average(
            [a <= t <= b for a, t, b in zip(p["lower"], y, p["upper"], strict=True)], weights=w
        )
    ),
    ("regression", "width"): lambda y, p, w: 3.0,
}
CASES = {"binary": classes(500, 2), "multiclass": classes(500, 4), "regression": numbers(500)}


def calibration_error(target: Array, predictions: Predictions, weights: Array) -> float:
    """As the paper has it: a bin's share of the rows times its gap."""
    probability = predictions["probabilities"][:, 1]
    error = 0.0
    for low in range(10):
        inside = (probability * 10 >= low) & ((probability * 10 < low + 1) | (low == 9))
        if weights[inside].sum():
            gap = np.average((probability - target)[inside], weights=weights[inside])
            error += weights[inside].sum() / weights.sum() * abs(gap)
    return error


def test_every_metric_has_a_reference() -> None:
    assert set(REFERENCES) == {
        (task, name) for task, member in Task.members.items() for name in member.metrics
    }


@pytest.mark.parametrize(("task", "name"), REFERENCES)
def test_a_metric_is_that_of_scikit_learn_with_any_weights(task: str, name: str) -> None:
    target, predictions = CASES[task]
    random = np.random.default_rng(1)
    for weights in (np.ones(500), random.integers(4, size=500) * 1.0, random.random(500)):
        got = Task.members[task].metrics[name].ask(target, predictions)(weights)
        assert got == pytest.approx(REFERENCES[task, name](target, predictions, weights), rel=1e-9)


@pytest.mark.parametrize(("task", "name"), REFERENCES)
def test_weights_are_copies_of_rows(task: str, name: str) -> None:
    target, predictions = CASES[task]
    weights = np.random.default_rng(2).integers(3, size=500)
    rows = np.repeat(np.arange(500), weights)
    copied = Task.members[task].metrics[name](
        target[rows], {k: v[rows] for k, v in predictions.items()}
    )
    assert Task.members[task].metrics[name].ask(target, predictions)(
        weights * 1.0
    ) == pytest.approx(copied)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=1))
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[int, int]]) -> None:
    target = np.array([truth for truth, _ in rows])
    probability = np.array([level / 4 for _, level in rows], np.float32)
    positives, negatives = probability[target == 1], probability[target == 0]
    pairs = positives[:, None] - negatives
    got = Binary.metrics["auc"](
        target, {"probabilities": np.stack([1 - probability, probability], 1)}
    )
    if pairs.size:
        assert got == pytest.approx(np.mean((pairs > 0) + (pairs == 0) / 2))
    else:
        assert np.isnan(got)


def test_being_certain_and_wrong_has_a_finite_loss() -> None:
    predictions = {"probabilities": np.array([[1, 0]], np.float32)}
    assert Binary.metrics["log_loss"](np.array([1]), predictions) == pytest.approx(15.942, 1e-4)


def test_r2_of_equal_targets_is_undefined_whatever_rounding_leaves_of_their_variance() -> None:
    target = np.array([1.5] * 8 + [7.25])  # the last row is in few bootstrap samples
    weights, predictions = np.array([2.0, *[1.0] * 7, 0.0]), {"value": np.full(9, 2.0)}
    assert np.isnan(Regression.metrics["r2"](target, predictions, weights))


def test_r2_keeps_its_digits_beside_a_large_mean() -> None:
    target, predictions = numbers(100, mean=1e9)
    assert Regression.metrics["r2"](target, predictions) == pytest.approx(
        reference.r2_score(target, predictions["value"]), rel=1e-6
    )


@pytest.mark.parametrize("task", sorted(Task.members))
def test_estimates_are_the_same_for_the_same_seed(task: str) -> None:
    assert estimates(Task.members[task].metrics, *CASES[task], seed=3) == estimates(
        Task.members[task].metrics, *CASES[task], seed=3
    )
    assert estimates(Task.members[task].metrics, *CASES[task], seed=3) != estimates(
        Task.members[task].metrics, *CASES[task], seed=4
    )


def test_intervals_of_a_share_are_those_of_theory() -> None:
    target, predictions = CASES["binary"]
    got = estimates(Binary.metrics, target, predictions, seed=0)["accuracy"]
    half = 1.96 * np.sqrt(got.value * (1 - got.value) / 500)
    assert got.upper - got.value == pytest.approx(half, rel=0.15)
    assert got.value - got.lower == pytest.approx(half, rel=0.15)


def test_intervals_of_many_rows_are_scaled_from_some() -> None:
    rows = 4 * MAX_BOOTSTRAP_ROWS
    target, predictions = numbers(rows)
    got = estimates({"mae": Regression.metrics["mae"]}, target, predictions, seed=0)["mae"]
    errors = np.abs(target - predictions["value"])
    assert got.value == pytest.approx(errors.mean())
    assert got.upper - got.lower == pytest.approx(2 * 1.96 * errors.std() / rows**0.5, rel=0.1)


@settings(max_examples=30)  # each resamples a thousand times
@given(st.integers(1, 30), st.integers(0, 20))
def test_an_interval_holds_its_value(rows: int, seed: int) -> None:
    target, predictions = classes(rows, 2, seed)
    for estimate in estimates(Binary.metrics, target, predictions, seed).values():
        if np.isfinite(estimate.lower):
            assert estimate.lower <= estimate.value <= estimate.upper


@pytest.mark.parametrize("is_inside", [True, False])
def test_the_interval_of_a_share_of_all_rows_or_none_is_that_of_wilson(is_inside: bool) -> None:
    target = np.arange(14.0)
    ends = {"lower": target - 1, "upper": target + (1 if is_inside else -0.5)}
    got = estimates({"coverage": Regression.metrics["coverage"]}, target, ends, seed=0)["coverage"]
    width = 1.96**2 / (14 + 1.96**2)
    want = (1 - width, 1.0) if is_inside else (0.0, width)
    assert got.value == float(is_inside)
    assert (got.lower, got.upper) == pytest.approx(want, abs=1e-4)
