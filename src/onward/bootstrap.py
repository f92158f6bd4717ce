"""How much a metric would change with other rows of the same kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onward.metrics import Array, Metric, Predictions, Weighted

RESAMPLES = 1_000  # each end of a 95 % interval then rests on some 25 of them
ROWS = 20_000  # beyond, an interval is known well enough, and its time would grow without end
SHARES = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; NaN where the rows do not define it."""

    value: float
    lower: float
    upper: float


def estimates(
    metrics: Mapping[str, Metric],
    target: Array,
    predictions: Predictions,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Estimate]:
    """Each metric over all rows, with the percentile interval of resampled rows.

    All metrics see the same resamples. An interval always holds its value, which that of a biased
    metric might not: a calibration error is larger in nearly every resample.

    Source: Efron 1979, "Bootstrap Methods: Another Look at the Jackknife".
    Differs: of more than `ROWS` rows, that many are drawn once and resampled. Errors shrink with
    the root of the number of rows, and the interval is scaled by that.
    """
    random = np.random.default_rng(seed)
    rows = len(target)
    drawn = np.sort(random.permutation(rows)[:ROWS])
    of_drawn = {name: values[drawn] for name, values in predictions.items()}
    asked = [metric.ask(target[drawn], of_drawn) for metric in metrics.values()]
    distances = _distances(asked, len(drawn), random, resamples)
    distances *= np.sqrt(len(drawn) / max(rows, 1))
    values = [metric(target, predictions) for metric in metrics.values()]
    return {
        name: _estimate(value, of_metric)
        for name, value, of_metric in zip(metrics, values, distances.T, strict=True)
    }


def _distances(
    asked: Sequence[Weighted], rows: int, random: np.random.Generator, resamples: int
) -> Array:
    """Of each resample's values from those of all rows; one column for each metric."""
    resampled = np.empty((resamples, len(asked)))
    for values in resampled:
        weights = np.bincount(random.integers(rows, size=rows), minlength=rows).astype(np.float64)
        values[:] = [value(weights) for value in asked]
    return resampled - [value(np.ones(rows)) for value in asked]


def _estimate(value: float, distances: Array) -> Estimate:
    defined = distances[np.isfinite(distances)]
    if not len(defined):
        return Estimate(value, float("nan"), float("nan"))
    lower, upper = value + np.quantile(defined, SHARES)
    return Estimate(value, min(float(lower), value), max(float(upper), value))
