"""Which label to say: the one that serves a stated purpose best, where that is not the likeliest.

A label is what has the largest expected gain, `probabilities @ gains`. With the identity for gains
that is the likeliest class; with two classes any diagonal is a threshold.
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
"""From labels to a number; more is better."""

ROWS = 20_000  # that the choice is made by, where there are more classes than two
CANDIDATES, MANY = 40, 1_000  # factors of a class that are tried; many where two classes share all
ROUNDS = 3  # over all classes; a fourth seldom changes a label
BETTER = 1e-9  # than which a gain is rounding


Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Decision(Settings):
    """What labels are for: a ``metric``, or what mistakes cost, chosen by the validation rows.

    ``metric``: ``f1``, of the second of two classes, or the mean of more; or
    ``balanced_accuracy``, the mean share of each class that is found.
    ``costs``: for a class, what each wrong label costs, ``{yes: {no: 10}}``, and 1 where it is not
    said.
    """

    metric: Literal["f1", "balanced_accuracy"] | None = None
    costs: dict[str, dict[str, Cost]] | None = None

    @model_validator(mode="after")
    def _has_one_purpose(self) -> Self:
        if (self.metric is None) == (self.costs is None):
            raise ValueError("give either a `metric` or `costs`")
        for name, labels in (self.costs or {}).items():
            if labels.get(name):
                raise ValueError(f"costs: a right label costs nothing. Remove {name!r} of {name!r}")
        return self


@dataclass(frozen=True)
class Purpose:
    """A setting, for the classes of a table."""

    metric: Metric
    costs: Array | None
    """``(classes, classes)``, of each label (column) for a row of each class (row)."""

    def __call__(self, target: Array, labels: Array, weights: Array | None = None) -> float:
        """How well labels serve it: what people read."""
        return self.metric(target, {"label": labels}, weights)


def purpose(setting: Decision, classes: Sequence[str]) -> Purpose:
    """What the setting means for these classes.

    Raises:
        ConfigError: if it names a class that there is not.
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
        raise ConfigError("export.decision.costs: no mistake costs anything. Give one a cost")

    def cost(target: Array, predictions: Mapping[str, Array]) -> Callable[[Array], float]:
        of_rows = costs[target, predictions["label"]]
        return lambda weights: float((of_rows * weights).sum() / weights.sum())

    return Purpose(Metric("Mean cost", cost, "lower"), costs)


def gains(of: Purpose, target: Array, probabilities: Array, weights: Array | None) -> Array:
    """What is gained with each label (column) for a row of each class (row), at most 1.

    Of costs and more than two classes the costs themselves say it; all else is tried on the rows.

    Source: Elkan 2001, "The Foundations of Cost-Sensitive Learning", section 1.1; Lipton et al.
    2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure".
    Differs: their best thresholds hold for true probabilities; ours are tried, one class after the
    other, so that they also serve probabilities which are somewhat wrong.

    Args:
        of: what labels are for.
        target: codes of the classes of the rows.
        probabilities: ``(rows, classes)``.
        weights: of the rows.
    """
    classes = probabilities.shape[1]
    if of.costs is not None and classes > 2:
        return np.asarray(-of.costs / of.costs.max())  # 1 less them would round small ones away
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
    """From which probability on the second of two classes is the label."""
    return float(gained[0, 0] / gained.trace()) if len(gained) == 2 else None


def _shares(target: Array, weights: Array, classes: int) -> Array:
    counts = np.bincount(target, weights, classes)
    return np.asarray(np.maximum(counts / counts.sum(), 1 / (len(target) + 1)))


def _climb(factors: Array, target: Array, probabilities: Array, objective: Objective) -> Array:
    """Factors of the probabilities that serve better, one class after the other."""
    classes = len(factors)
    factors, best = factors.copy(), objective((probabilities * factors).argmax(1))
    for _ in range(1 if classes == 2 else ROUNDS):
        before = best
        for code in range(1 if classes == 2 else 0, classes):
            rest = probabilities * factors
            rest[:, code] = -1.0
            other, most = rest.argmax(1), rest.max(1)
            # the factor from which on the label of a row is this class
            needed = most / np.maximum(probabilities[:, code], np.finfo(np.float64).tiny)
            for factor in _candidates(needed, target == code, MANY if classes == 2 else CANDIDATES):
                value = objective(np.where(factor > needed, code, other))
                if value > best + BETTER:
                    best, factors[code] = value, factor
        if best <= before + BETTER:
            break
    return factors


def _candidates(needed: Array, is_class: Array, count: int) -> Array:
    """Factors between those that rows need: a best one is just above that of a row of the class."""
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
