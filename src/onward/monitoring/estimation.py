"""Quality without labels: the quality that the model expects, corrected on held-out rows.

Source: the idea is that of CBPE, https://nannyml.readthedocs.io, "Performance Estimation".
Differs: the difference between expected and actual quality is a regression line in each of ten
bins. The interval holds the error of the line, which need not be the same for all rows (White 1980,
"A Heteroskedasticity-Consistent Covariance Matrix Estimator"), and how far a parabola is from it.

Assumes that the relation between columns and target is unchanged; a change cannot be detected
without labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from onward.monitoring.bins import Array, NumberBins, bins_of_note, quantile_bins
from onward.monitoring.predictions import Scores

SIDE = 1.959964  # standard deviations; 95 %
TINY = 1e-300
PARTS = ("rows", "mean", "variance", "center", "slope", "spread", "variance_slope")
TRIPLES = ("error", "curve")
PRIOR = 2.0  # pseudo-rows with the mean variance in each bin: a bin without errors is not certain


@dataclass(frozen=True)
class Estimate:
    """An estimated quality with its 95 % interval."""

    value: float
    lower: float
    upper: float
    support: float
    """How many test rows have a mean as certain as the lines are at these rows, as a share of all.

    It is small if the rows lie where the test set has hardly any.
    """


@dataclass
class WindowSums:
    """Sums over the rows of a window."""

    expected: float
    counts: Array
    """``(bins,)``."""
    distances: Array
    """Sum of the distances of the rows of each bin from its center, ``(bins,)``."""
    squares: Array
    """Sum of their squares, ``(bins,)``."""

    def __add__(self, other: "WindowSums") -> "WindowSums":
        """The sums of both."""
        return WindowSums(
            self.expected + other.expected,
            self.counts + other.counts,
            self.distances + other.distances,
            self.squares + other.squares,
        )


@dataclass(frozen=True)
class Correction:
    """The difference between actual and expected quality: a regression line in each bin.

    When rows move inside a bin, the estimate follows the line, and the error of the slope widens
    the interval. So does a residual variance that grows in that direction, as that of errors does
    where the noise grows with the value.
    """

    bins: NumberBins
    rows: Array
    """Number of rows of each bin, ``(bins,)`` like all others but the last two."""
    mean: Array
    variance: Array
    """Residual variance."""
    center: Array
    """Mean position."""
    slope: Array
    spread: Array
    """Sum of the squared distances from the center."""
    variance_slope: Array
    """Of the squared residuals by position; 0 in files of older versions."""
    error: Array
    """Variance of the mean, covariance, variance of the slope; ``(bins, 3)``."""
    curve: Array
    """Parabola minus line, as coefficients of the distance; ``(bins, 3)``, 0 in older files."""

    @classmethod
    def learn(cls, scores: Scores, outcome: Array) -> "Correction":
        """Fit on held-out rows."""
        bins = quantile_bins(scores.position)
        index, surplus = bins.indices(scores.position), outcome - scores.expected
        size = bins.size - 1  # no prediction is missing

        def sums(values: Array | None = None) -> Array:
            return np.bincount(index, values, size)[:size].astype(np.float64)

        rows = sums()
        divisor = np.maximum(rows, 1)
        mean = np.where(rows > 0, sums(surplus) / divisor, surplus.mean())
        center = np.where(rows > 0, sums(scores.position) / divisor, scores.position.mean())
        distance = scores.position - center[index]
        spread = sums(distance**2)
        slope = _ratio(sums(distance * surplus), spread)
        left = surplus - mean[index] - slope[index] * distance
        variance = (sums(left**2) + PRIOR * surplus.var()) / np.maximum(rows - 2 + PRIOR, 1)
        growth = _ratio(sums(distance * left**2), spread)
        robust = [sums(distance**power * left**2) for power in range(3)]
        error = np.maximum(  # residuals of few rows are too small
            _classical_error(variance, rows, spread),
            _triples(robust[0] / divisor**2, 0 * rows, _ratio(robust[2], spread**2)),
        )
        error[:, 1] = _ratio(robust[1], divisor * spread)
        curve = np.stack([_curve(distance[index == k], left[index == k]) for k in range(size)])
        return cls(bins, rows, mean, variance, center, slope, spread, growth, error, curve)

    @classmethod
    def of_note(cls, note: Mapping[str, Any]) -> "Correction":
        """Read the note of a file."""
        bins = bins_of_note(note)
        assert isinstance(bins, NumberBins)
        none = [0.0] * len(note["rows"])
        parts = {name: np.array(note.get(name, none), np.float64) for name in PARTS}
        error = _classical_error(parts["variance"], parts["rows"], parts["spread"])
        older = {"error": error, "curve": 0 * error}
        triples = {name: np.array(note.get(name, older[name]), np.float64) for name in TRIPLES}
        return cls(bins, **parts, **triples)

    def note(self) -> dict[str, Any]:
        """The note that `of_note` reads."""
        parts = {name: _short(getattr(self, name)) for name in PARTS}
        parts["center"] = self.center.tolist()  # in full: values may differ in late digits only
        triples = {name: [*map(_short, getattr(self, name))] for name in TRIPLES}
        return {**self.bins.note(), **parts, **triples}

    def sums(self, scores: Scores, window: Array, windows: int) -> list[WindowSums]:
        """Sums over the rows of each window.

        Args:
            scores: of the rows.
            window: index of the window of each row.
            windows: number of windows.
        """
        size = len(self.rows)
        own = np.minimum(self.bins.indices(scores.position), size - 1)
        distance = scores.position - self.center[own]

        def sums(values: Array | None = None) -> Array:
            totals = np.bincount(window * size + own, values, windows * size)
            return totals.reshape(windows, size)

        expected = np.bincount(window, scores.expected, windows)
        parts = zip(expected, sums(), sums(distance), sums(distance**2), strict=True)
        return [WindowSums(float(total), *rest) for total, *rest in parts]

    def estimate(self, sums: WindowSums) -> Estimate:
        """Estimate the mean outcome of the rows of a window."""
        rows = max(float(sums.counts.sum()), 1.0)
        share, counts = sums.counts / rows, np.maximum(sums.counts, 1)
        shift = sums.distances / counts
        leverage = _triples(counts / counts, 2 * shift, shift**2)
        of_one = (_classical_error(np.ones_like(share), self.rows, self.spread) * leverage).sum(1)
        support = 1 / max(float(share**2 @ of_one) * float(self.rows.sum()), 1.0)
        value = sums.expected / rows + float(share @ (self.mean + self.slope * shift))
        powers = _triples(counts / counts, shift, sums.squares / counts)
        bend = float(share @ (self.curve * powers).sum(1))
        variance = np.maximum(self.variance, self.variance + self.variance_slope * shift)
        of_line = float(share**2 @ (self.error * leverage).sum(1))
        reach = SIDE * np.sqrt(float(share @ variance) / rows + max(of_line, 0.0))
        lower, upper = value + min(bend, 0.0) - reach, value + max(bend, 0.0) + reach
        return Estimate(value, lower, upper, support)


def _classical_error(variance: Array, rows: Array, spread: Array) -> Array:
    """The error of a line whose residuals have the same variance everywhere, ``(bins, 3)``."""
    return _triples(variance / np.maximum(rows, 1), 0 * rows, _ratio(variance, spread))


def _curve(distance: Array, left: Array) -> Array:
    """The coefficients of a parabola through residuals, lowest power first, ``(3,)``."""
    scale = distance.std() if len(np.unique(distance)) > len(TRIPLES) else 0.0
    if not scale:
        return np.zeros(3)
    found = np.polynomial.polynomial.polyfit(distance / scale, left, 2)
    return np.asarray(found / scale ** np.arange(3))


def _triples(*columns: Array) -> Array:
    return np.stack(columns, axis=1)


def _ratio(dividend: Array, divisor: Array) -> Array:
    """The ratio; 0 where the divisor is 0."""
    return np.where(divisor > 0, dividend / np.maximum(divisor, TINY), 0.0)


def _short(values: Array) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
