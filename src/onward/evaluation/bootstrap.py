"""How much a metric would change with other rows of the same kind."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from onward.tasks.metrics import Array, Metric, Predictions

RESAMPLES = 1_000  # each end of a 95 % interval then rests on some 25 of them
ROWS = 20_000  # beyond, an interval is known well enough, and its time would grow without end
CELLS = 4_000_000  # values of the predictions of these rows; with many classes there are fewer
SHARES = (0.025, 0.975)
LARGE = 10_000.0  # from here on, nobody wants digits behind the point
DIGITS = 6  # of what is written; the interval starts long before


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; NaN where the rows do not define it."""

    value: float
    lower: float
    upper: float

    def document(self) -> dict[str, float | None]:
        """As JSON has it."""
        return {name: rounded(value) for name, value in asdict(self).items()}


def rounded(value: float) -> float | None:
    """As JSON has it: there is no NaN."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def shown(value: float | None) -> str:
    """With as many digits as people want."""
    if value is None:
        return "none"
    return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:.4g}"


@dataclass(frozen=True)
class Sample:
    """Rows that are drawn once and then resampled, in their order."""

    target: Array
    predictions: Predictions
    rows: int
    """That they were drawn from."""
    weights: Array
    """How much each counts, ``(drawn,)``."""


@dataclass(frozen=True)
class Resampled:
    """A metric over all rows, and how far from it resamples are."""

    value: float
    distances: Array
    """``(resamples,)``; NaN where a resample does not define the metric."""

    @property
    def estimate(self) -> Estimate:
        """The value with the percentile interval of the resamples.

        It always holds the value, which that of a biased metric might not: a calibration error
        is larger in nearly every resample.
        """
        return _estimate(self.value, self.distances)

    def minus(self, other: "Resampled") -> Estimate:
        """The difference with its interval: paired, if both come from the same rows and seed."""
        return _estimate(self.value - other.value, self.distances - other.distances)


def sample(
    target: Array, predictions: Predictions, seed: int, weights: Array | None = None
) -> Sample:
    """All rows, or so many as an interval needs."""
    rows, cells = len(target), sum(values[:1].size for values in predictions.values())
    most = min(ROWS, CELLS // max(cells, 1))
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:most])
    of_drawn = {name: values[drawn] for name, values in predictions.items()}
    of_rows = np.ones(rows) if weights is None else weights
    return Sample(target[drawn], of_drawn, rows, of_rows[drawn])


def resampled(
    metrics: Mapping[str, Metric],
    values: Mapping[str, float],
    rows: Sample,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Resampled]:
    """Each metric with its resamples; all metrics see the same ones.

    Source: Efron 1979, "Bootstrap Methods: Another Look at the Jackknife".
    Differs: a row that is drawn counts as its weight says. Of large tables some rows are drawn once
    and resampled. Errors shrink with the root of the number of rows, and distances are scaled by
    that.

    Args:
        metrics: by name.
        values: of each, over all rows.
        rows: some of them.
        seed: of the resamples. Predictors of the same rows with the same seed are paired.
        resamples: how many.
    """
    asked = [metric.ask(rows.target, rows.predictions) for metric in metrics.values()]
    random, number = np.random.default_rng([seed, 1]), len(rows.target)
    found = np.empty((resamples, len(asked)))
    for line in found:
        drawn = random.integers(number, size=number)
        weights = np.bincount(drawn, minlength=number) * rows.weights
        line[:] = [value(weights) for value in asked]
    found -= [value(rows.weights) for value in asked]
    found *= np.sqrt(number / max(rows.rows, 1))
    return {
        name: Resampled(values[name], distances)
        for name, distances in zip(metrics, found.T, strict=True)
    }


def estimates(
    metrics: Mapping[str, Metric],
    target: Array,
    predictions: Predictions,
    seed: int,
    weights: Array | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Estimate]:
    """Each metric over all rows, with its interval."""
    values = {name: metric(target, predictions, weights) for name, metric in metrics.items()}
    rows = sample(target, predictions, seed, weights)
    found = resampled(metrics, values, rows, seed, resamples)
    return {name: of_metric.estimate for name, of_metric in found.items()}


def _estimate(value: float, distances: Array) -> Estimate:
    defined = distances[np.isfinite(distances)]
    if not len(defined):
        return Estimate(value, float("nan"), float("nan"))
    lower, upper = value + np.quantile(defined, SHARES)
    return Estimate(value, min(float(lower), value), max(float(upper), value))
