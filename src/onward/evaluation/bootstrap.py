"""Bootstrap confidence intervals of metrics."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from onward.tasks.curves import interval_of_share
from onward.tasks.metrics import Array, Metric, Predictions
from onward.wording import format_number

RESAMPLES = 1_000  # each end of a 95 % interval then rests on some 25 of them
MAX_BOOTSTRAP_ROWS = 20_000  # more rows hardly narrow the error of an interval, and take longer
MAX_BOOTSTRAP_CELLS = 4_000_000  # predicted values; with many classes fewer rows are drawn
INTERVAL_QUANTILES = (0.025, 0.975)
ROUNDING = 1e-9  # of a value; a resample that deviates less does not deviate
JSON_DIGITS = 6  # significant digits in JSON; the interval is much wider than the rounding


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; NaN where the rows do not define it."""

    value: float
    lower: float
    upper: float

    def document(self) -> dict[str, float | None]:
        """The estimate as a JSON document."""
        return {name: json_number(value) for name, value in asdict(self).items()}


def json_number(value: float) -> float | None:
    """A number for JSON, which has no NaN: None in its place."""
    return float(f"{value:.{JSON_DIGITS}g}") if math.isfinite(value) else None


def format_value(value: float | None) -> str:
    """A number with four significant digits, or ``none``."""
    return "none" if value is None else format_number(value)


@dataclass(frozen=True)
class Sample:
    """A random subset of the rows, drawn once and then resampled."""

    target: Array
    predictions: Predictions
    rows: int
    """Number of rows that the sample was drawn from."""
    weights: Array
    """Weights of the sampled rows, ``(drawn,)``."""


@dataclass(frozen=True)
class ResampledMetric:
    """A metric over all rows, and the deviations of its resamples."""

    value: float
    distances: Array
    """``(resamples,)``; NaN where a resample does not define the metric."""
    unit: str = "none"
    """Of the metric."""
    trials: float = 0.0
    """Effective number of rows."""

    @property
    def estimate(self) -> Estimate:
        """The value with the percentile interval of the resamples.

        The interval always contains the value. The percentile interval of a biased metric might
        not: a calibration error is larger in nearly every resample. A share without any deviation,
        as of all rows, has the interval of Wilson instead.
        """
        if self.unit == "share" and _is_constant(self.distances, 1.0):
            lower, upper = interval_of_share(np.array(self.value), np.array(self.trials))
            return Estimate(self.value, float(lower), float(upper))
        return _estimate(self.value, self.distances)

    def minus(self, other: "ResampledMetric") -> Estimate:
        """The difference with its interval, which is paired if rows and seed are the same.

        Widths and errors whose difference is the same in all resamples have no interval for it:
        they cannot tell how it varies between rows. That of a perfect AUC to a constant is certain.
        Without any difference the interval is 0 to 0.
        """
        value, distances = self.value - other.value, self.distances - other.distances
        scale = max(abs(self.value), abs(other.value))
        if _is_constant(distances, scale) and abs(value) <= ROUNDING * scale:
            return Estimate(0.0, 0.0, 0.0)
        if _is_constant(distances, scale) and self.unit == "target":
            return Estimate(value, math.nan, math.nan)
        return _estimate(value, distances)


def sample(
    target: Array, predictions: Predictions, seed: int, weights: Array | None = None
) -> Sample:
    """All rows, or a random subset large enough for an interval."""
    rows, cells = len(target), sum(values[:1].size for values in predictions.values())
    most = min(MAX_BOOTSTRAP_ROWS, MAX_BOOTSTRAP_CELLS // max(cells, 1))
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:most])
    of_drawn = {name: values[drawn] for name, values in predictions.items()}
    of_rows = np.ones(rows) if weights is None else weights
    return Sample(target[drawn], of_drawn, rows, of_rows[drawn])


def resample(
    metrics: Mapping[str, Metric],
    values: Mapping[str, float],
    rows: Sample,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, ResampledMetric]:
    """Resample each metric; all metrics use the same resamples.

    Source: Efron 1979, "Bootstrap Methods: Another Look at the Jackknife".
    Differs: a drawn row keeps its weight. For large tables a subset of the rows is drawn once and
    resampled. Errors shrink with the square root of the number of rows, so the distances are scaled
    accordingly.

    Args:
        metrics: by name.
        values: of each metric, over all rows.
        rows: the sample to resample.
        seed: of the resamples. Predictors of the same rows with the same seed are paired.
        resamples: the number of resamples.
    """
    statistics = [metric.ask(rows.target, rows.predictions) for metric in metrics.values()]
    random, number = np.random.default_rng([seed, 1]), len(rows.target)
    values_of_resamples = np.empty((resamples, len(statistics)))
    for line in values_of_resamples:
        drawn = random.integers(number, size=number)
        weights = np.bincount(drawn, minlength=number) * rows.weights
        line[:] = [statistic(weights) for statistic in statistics]
    distances = values_of_resamples - [statistic(rows.weights) for statistic in statistics]
    distances *= np.sqrt(number / max(rows.rows, 1))
    trials = _effective_number(rows.weights) * rows.rows / max(number, 1)
    return {
        name: ResampledMetric(values[name], of_metric, metric.unit, trials)
        for (name, metric), of_metric in zip(metrics.items(), distances.T, strict=True)
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
    resampled = resample(metrics, values, rows, seed, resamples)
    return {name: metric.estimate for name, metric in resampled.items()}


def _effective_number(weights: Array) -> float:
    """Source: Kish 1965, "Survey Sampling"."""
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _is_constant(distances: Array, scale: float) -> bool:
    defined = distances[np.isfinite(distances)]
    return len(defined) > 0 and float(np.ptp(defined)) <= ROUNDING * scale


def _estimate(value: float, distances: Array) -> Estimate:
    defined = distances[np.isfinite(distances)]
    if not len(defined):
        return Estimate(value, float("nan"), float("nan"))
    lower, upper = value + np.quantile(defined, INTERVAL_QUANTILES)
    return Estimate(value, min(float(lower), value), max(float(upper), value))
