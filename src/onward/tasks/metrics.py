"""How good predictions are, and how sure that is.

A metric is asked once, with the truth and the predictions, and gives a function of the weights of
the rows. So the value, with all weights 1, and each of the resamples of `interval` are computed by
the same lines, and what does not depend on the weights, such as sorting, is done once.

The truth is codes of classes (int64) or numbers. The predictions are those of an exported file,
with ``label`` as codes.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Array = np.ndarray
Predictions = Mapping[str, Array]
Weighted = Callable[[Array], float]
"""From the weights of the rows to the value: NaN if these rows do not define it."""

LEAST = float(np.finfo(np.float32).eps)  # of a probability: a float32 one may be exactly 0
ROUNDING = 1e-14  # of a mean of squares, that may be left of a variance of 0
BINS = 10  # of equal width, of calibration; the fewer, the less of it is noise


@dataclass(frozen=True)
class Metric:
    """A metric, and which way is up."""

    title: str
    ask: Callable[[Array, Predictions], Weighted]
    better: Literal["higher", "lower", "neither"]
    """``neither`` where the best value is one that was asked for, as of a coverage."""
    least: float = -math.inf
    """No value is below."""
    most: float = math.inf
    """No value is above."""
    unit: Literal["none", "share", "target"] = "none"
    """``share`` is shown in percent, ``target`` in the target's unit."""

    @property
    def sign(self) -> int:
        """1 if higher is better, else -1."""
        return 1 if self.better == "higher" else -1

    def __call__(
        self, target: Array, predictions: Predictions, weights: Array | None = None
    ) -> float:
        """The value, over all rows, which count alike if there are no weights."""
        weights = np.ones(len(target)) if weights is None else weights
        return self.ask(target, predictions)(weights)


def named_with_nominal(
    metrics: Mapping[str, Metric], coverage: float | None
) -> Mapping[str, Metric]:
    """The metrics, where the title of the measured coverage names the nominal one.

    Args:
        metrics: of a task.
        coverage: the nominal one; None if it is not known.

    Example:
        >>> coverage_metric = Metric("Interval coverage", coverage, "neither")
        >>> named_with_nominal({"coverage": coverage_metric}, 0.9)["coverage"].title
        'Interval coverage (nominal 90 %)'
    """
    if coverage is None:
        return metrics
    suffix = f" (nominal {coverage * 100:g} %)"
    return {
        name: replace(metric, title=metric.title + suffix) if name == "coverage" else metric
        for name, metric in metrics.items()
    }


def auc(target: Array, predictions: Predictions) -> Weighted:
    """Chance that a row of the second class gets a higher probability than one of the first.

    Ties count half.

    Source: Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve".
    """
    probability = predictions["probabilities"][:, 1]
    order = np.argsort(probability, kind="stable")
    positive = target[order] == 1
    starts = np.flatnonzero(np.diff(probability[order], prepend=-np.inf))  # of equal probabilities

    def value(weights: Array) -> float:
        sorted_weights = weights[order]
        positives = np.add.reduceat(sorted_weights * positive, starts)
        negatives = np.add.reduceat(sorted_weights * ~positive, starts)
        below = np.cumsum(negatives) - negatives / 2
        return _ratio(_dot(positives, below), float(positives.sum() * negatives.sum()))

    return value


def log_loss(target: Array, predictions: Predictions) -> Weighted:
    """Mean negative logarithm of the probability of the true class, in nats."""
    return _mean(log_losses(target, predictions))


def accuracy(target: Array, predictions: Predictions) -> Weighted:
    """Share of rows with the right label."""
    return _mean(target == predictions["label"])


def f1(target: Array, predictions: Predictions) -> Weighted:
    """Harmonic mean of precision and recall of the second class; 0 if it is never predicted."""
    both = (target == 1) & (predictions["label"] == 1)
    either = (target == 1) * 1.0 + (predictions["label"] == 1)
    return lambda weights: _ratio(2 * _dot(weights, both), _dot(weights, either))


def macro_f1(target: Array, predictions: Predictions) -> Weighted:
    """Mean F1 of the classes that occur in the truth or in the labels."""
    label = predictions["label"]
    classes = 1 + max(int(codes.max(initial=0)) for codes in (target, label))
    hits = target == label

    def value(weights: Array) -> float:
        true, predicted, right = (
            np.bincount(codes, part, classes)
            for codes, part in ((target, weights), (label, weights), (target, weights * hits))
        )
        occurs = true + predicted > 0
        return float(np.mean(2 * right[occurs] / (true + predicted)[occurs]))

    return value


def balanced_accuracy(target: Array, predictions: Predictions) -> Weighted:
    """Mean share of rows with the right label, over the classes that occur in the truth.

    0.5 is a guess between two classes, however rare one of them is.

    Source: Brodersen et al. 2010, "The Balanced Accuracy and Its Posterior Distribution".
    """
    classes = 1 + int(target.max(initial=0))
    hits = target == predictions["label"]

    def value(weights: Array) -> float:
        true, right = (np.bincount(target, part, classes) for part in (weights, weights * hits))
        return float(np.mean(right[true > 0] / true[true > 0]))

    return value


def brier(target: Array, predictions: Predictions) -> Weighted:
    """Mean squared distance between the probability of the second class and the outcome.

    0 is perfect, 0.25 is always saying 0.5, 1 is always certain and wrong.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    Differs: Brier adds up both classes, which gives twice this number.
    """
    return _mean((predictions["probabilities"][:, 1].astype(np.float64) - target) ** 2)


def calibration_error(target: Array, predictions: Predictions) -> Weighted:
    """Expected calibration error: how far probabilities are from the frequencies of what happens.

    Source: Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning".
    """
    return _calibration_error(target, predictions["probabilities"][:, 1].astype(np.float64))


def label_calibration_error(target: Array, predictions: Predictions) -> Weighted:
    """The same of the probability of the label, and how often the label is right.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    label = predictions["label"]
    return _calibration_error(target == label, of_class(predictions, label))


def _calibration_error(happened: Array, probability: Array) -> Weighted:
    bins = bins_of(probability)
    distance = probability - happened
    return lambda weights: _ratio(
        np.abs(np.bincount(bins, weights * distance, BINS)).sum(), weights.sum()
    )


def bins_of(probability: Array) -> Array:
    """Which of the `BINS` a probability is in."""
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)


def rmse(target: Array, predictions: Predictions) -> Weighted:
    """Root of the mean squared error, in the target's unit."""
    mean = _mean((target - predictions["value"]) ** 2)
    return lambda weights: float(np.sqrt(mean(weights)))


def mae(target: Array, predictions: Predictions) -> Weighted:
    """Mean absolute error, in the target's unit."""
    return _mean(absolute_errors(target, predictions))


def r2(target: Array, predictions: Predictions) -> Weighted:
    """Share of the variance that is explained: 1 is perfect, 0 is as good as the mean."""
    squares = (target - predictions["value"]) ** 2
    centered = target - target.mean()  # a large mean would cost all digits of the variance

    def value(weights: Array) -> float:
        total = weights.sum()
        size = _dot(weights, centered**2) / total
        variance = size - (_dot(weights, centered) / total) ** 2
        known = variance if variance > ROUNDING * size else 0.0  # else all targets are equal
        return 1 - _ratio(_dot(weights, squares) / total, known)

    return value


def coverage(target: Array, predictions: Predictions) -> Weighted:
    """Share of rows whose truth lies between ``lower`` and ``upper``."""
    return _mean((predictions["lower"] <= target) & (target <= predictions["upper"]))


def width(target: Array, predictions: Predictions) -> Weighted:
    """Mean distance from ``lower`` to ``upper``, in the target's unit."""
    return _mean(predictions["upper"] - predictions["lower"])


def log_losses(target: Array, predictions: Predictions) -> Array:
    """Negative logarithm of the probability of the true class of each row, in nats."""
    losses: Array = -np.log(of_class(predictions, target).clip(LEAST, 1))
    return losses


def absolute_errors(target: Array, predictions: Predictions) -> Array:
    """Distance of truth and value of each row, in the target's unit."""
    errors: Array = np.abs(target - predictions["value"])
    return errors


def of_class(predictions: Predictions, codes: Array) -> Array:
    """The probability of one class of each row."""
    probabilities = predictions["probabilities"].astype(np.float64)
    picked: Array = probabilities[np.arange(len(codes)), codes]
    return picked


def _mean(values: Array) -> Weighted:
    return lambda weights: _ratio(_dot(weights, values), weights.sum())


def _dot(weights: Array, values: Array) -> float:
    # BLAS would use threads, whose number changes the last digits
    return float((weights * values).sum())


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
