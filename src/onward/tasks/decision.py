"""Decision rules: labels that optimize a metric or costs instead of the most probable class.

The label is the class with the largest expected gain, `probabilities @ gains`. With the identity
matrix it is the most probable class; with two classes a diagonal matrix is a threshold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from onward.errors import ConfigError
from onward.schema import refuse_unknown
from onward.settings.family import Settings
from onward.tasks.metrics import Metric, balanced_accuracy, f1, macro_f1

Array = np.ndarray
Objective = Callable[[Array], float]
"""From labels to a number; higher is better."""

ROWS = 20_000  # to choose by, with more than two classes
CANDIDATES, MANY = 40, 1_000  # factors to try per class; many for two classes
ROUNDS = 3  # over all classes; a fourth seldom changes a label
BETTER = 1e-9  # a smaller improvement is rounding


Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Decision(Settings):
    """The objective of the labels, optimized on the validation rows: a ``metric`` or ``costs``.

    ``metric``: ``f1``, of the second of two classes or the mean of all; or ``balanced_accuracy``,
    the mean recall of the classes.
    ``costs``: for a class, the cost of each wrong label, such as ``{yes: {no: 10}}``; 1 by default.
    """

    metric: Literal["f1", "balanced_accuracy"] | None = None
    costs: dict[str, dict[str, Cost]] | None = None

    @model_validator(mode="after")
    def _has_one_purpose(self) -> Self:
        if (self.metric is None) == (self.costs is None):
            raise ValueError("give either a `metric` or `costs`")
        for name, labels in (self.costs or {}).items():
            if labels.get(name):
                raise ValueError(
                    f"costs: the correct label has no cost. Remove {name!r} of {name!r}"
                )
        return self


@dataclass(frozen=True)
class Purpose:
    """The objective for the classes of a table."""

    metric: Metric
    costs: Array | None
    """``(classes, classes)``, of each label (column) for a row of each class (row)."""

    def __call__(self, target: Array, labels: Array, weights: Array | None = None) -> float:
        """The metric of the labels."""
        return self.metric(target, {"label": labels}, weights)


def purpose(setting: Decision, classes: Sequence[str]) -> Purpose:
    """The objective for these classes.

    Raises:
        ConfigError: if it names an unknown class.
    """
    if setting.costs is None:
        if setting.metric == "balanced_accuracy":
            return Purpose(Metric("Balanced accuracy", balanced_accuracy, "higher"), None)
        is_binary = len(classes) == 2
        metric = Metric("F1", f1, "higher") if is_binary else Metric("Macro F1", macro_f1, "higher")
        return Purpose(metric, None)
    named = [*setting.costs, *(label for costs in setting.costs.values() for label in costs)]
    refuse_unknown("export.decision.costs", named, classes)
    costs = 1 - np.eye(len(classes))
    for row, name in enumerate(classes):
        for column, label in enumerate(classes):
            costs[row, column] = setting.costs.get(name, {}).get(label, costs[row, column])
    if not costs.any():
        raise ConfigError("export.decision.costs: all costs are 0. Set one above 0")

    def cost(target: Array, predictions: Mapping[str, Array]) -> Callable[[Array], float]:
        of_rows = costs[target, predictions["label"]]
        return lambda weights: float((of_rows * weights).sum() / weights.sum())

    return Purpose(Metric("Mean cost", cost, "lower"), costs)


def gains(of: Purpose, target: Array, probabilities: Array, weights: Array | None) -> Array:
    """The gain of each label (column) for rows of each class (row), at most 1.

    With costs and more than two classes it follows from the costs, otherwise from a search on the
    rows.

    Source: Elkan 2001, "The Foundations of Cost-Sensitive Learning", section 1.1; Lipton et al.
    2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure".
    Differs: their optimal thresholds assume calibrated probabilities; ours are searched, one class
    after the other, so they are also good for miscalibrated ones.

    Args:
        of: the objective.
        target: codes of the classes of the rows.
        probabilities: ``(rows, classes)``.
        weights: of the rows.
    """
    classes = probabilities.shape[1]
    if of.costs is not None and classes > 2:
        return np.asarray(-of.costs / of.costs.max())  # 1 - costs would round small costs to 0
    sample = slice(None, None, 1 if classes == 2 else -(-len(target) // ROWS))
    target, probabilities = target[sample], probabilities[sample].astype(np.float64)
    weights = np.ones(len(target)) if weights is None else weights[sample]

    def objective(labels: Array) -> float:
        return of.metric.sign * of(target, labels, weights)

    candidates = [
        _climb(factors, target, probabilities, objective)
        for factors in (np.ones(classes), 1 / _shares(target, weights, classes))
    ]
    best = max(
        [np.ones(classes), *candidates], key=lambda f: objective((probabilities * f).argmax(1))
    )
    return np.diag(best / best.sum() if classes == 2 else best / best.max())


def threshold(gained: Array) -> float | None:
    """The probability from which the second of two classes is the label."""
    return float(gained[0, 0] / gained.trace()) if len(gained) == 2 else None


def _shares(target: Array, weights: Array, classes: int) -> Array:
    counts = np.bincount(target, weights, classes)
    return np.asarray(np.maximum(counts / counts.sum(), 1 / (len(target) + 1)))


def _climb(factors: Array, target: Array, probabilities: Array, objective: Objective) -> Array:
    """Better factors of the probabilities, by coordinate ascent over the classes."""
    classes = len(factors)
    factors, best = factors.copy(), objective((probabilities * factors).argmax(1))
    for _ in range(1 if classes == 2 else ROUNDS):
        before = best
        for code in range(1 if classes == 2 else 0, classes):
            rest = probabilities * factors
            rest[:, code] = -1.0
            other, most = rest.argmax(1), rest.max(1)
            # the factor from which this class is the label of a row
            needed = most / np.maximum(probabilities[:, code], np.finfo(np.float64).tiny)
            for factor in _candidates(needed, target == code, MANY if classes == 2 else CANDIDATES):
                value = objective(np.where(factor > needed, code, other))
                if value > best + BETTER:
                    best, factors[code] = value, factor
        if best <= before + BETTER:
            break
    return factors


def _candidates(needed: Array, is_class: Array, count: int) -> Array:
    """Factors to try: the best one is just above the factor that a row of the class needs."""
    every = np.unique(needed)
    own = np.unique(needed[is_class])
    own = (
        own[np.unique(np.linspace(0, len(own) - 1, count).round().astype(int))] if len(own) else own
    )
    positions = np.searchsorted(every, own)
    after = np.where(
        positions + 1 < len(every), every[np.minimum(positions + 1, len(every) - 1)], own * 2
    )
    return np.asarray((own + after) / 2)
