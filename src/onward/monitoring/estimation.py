"""Quality without labels: the quality that the model expects, corrected on held-out rows.

Source: the idea is that of CBPE, https://nannyml.readthedocs.io, "Performance Estimation".
Differs: the difference between expected and actual quality is a regression line in each of ten
bins; its standard error is part of the interval.

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
PRIOR = 2.0  # pseudo-rows with the mean variance in each bin: a bin without errors is not certain


@dataclass(frozen=True)
class Estimate:
    """An estimated quality with its 95 % interval."""

    value: float
    lower: float
    upper: float


@dataclass
class WindowSums:
    """Sums over the rows of a window."""

    expected: float
    counts: Array
    """``(bins,)``."""
    positions: Array
    """Sum of the positions of the rows in each bin, ``(bins,)``."""

    def __add__(self, other: "WindowSums") -> "WindowSums":
        """The sums of both."""
        return WindowSums(
            self.expected + other.expected,
            self.counts + other.counts,
            self.positions + other.positions,
        )


@dataclass(frozen=True)
class Correction:
    """The difference between actual and expected quality: a regression line in each bin.

    When rows move inside a bin, the estimate follows the line, and the standard error of the slope
    widens the interval. So does a residual variance that grows in that direction, as that of errors
    does where the noise grows with the value.
    """

    bins: NumberBins
    rows: Array
    """Number of rows of each bin, ``(bins,)`` like all others."""
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
        slope = np.where(spread > 0, sums(distance * surplus) / np.maximum(spread, TINY), 0.0)
        left = surplus - mean[index] - slope[index] * distance
        variance = (sums(left**2) + PRIOR * surplus.var()) / np.maximum(rows - 2 + PRIOR, 1)
        growth = np.where(spread > 0, sums(distance * left**2) / np.maximum(spread, TINY), 0.0)
        return cls(bins, rows, mean, variance, center, slope, spread, growth)

    @classmethod
    def of_note(cls, note: Mapping[str, Any]) -> "Correction":
        """Read the note of a file."""
        bins = bins_of_note(note)
        assert isinstance(bins, NumberBins)
        none = [0.0] * len(note["rows"])
        return cls(bins, *(np.array(note.get(name, none), np.float64) for name in PARTS))

    def note(self) -> dict[str, Any]:
        """The note that `of_note` reads."""
        parts = {name: _short(getattr(self, name)) for name in PARTS}
        return {**self.bins.note(), **parts}

    def sums(self, scores: Scores, window: Array, windows: int) -> list[WindowSums]:
        """Sums over the rows of each window.

        Args:
            scores: of the rows.
            window: index of the window of each row.
            windows: number of windows.
        """
        size = len(self.rows)
        index = window * size + np.minimum(self.bins.indices(scores.position), size - 1)

        def sums(values: Array | None = None) -> Array:
            totals = np.bincount(index, values, windows * size)
            return totals.reshape(windows, size)

        expected = np.bincount(window, scores.expected, windows)
        parts = zip(expected, sums(), sums(scores.position), strict=True)
        return [WindowSums(float(total), *rest) for total, *rest in parts]

    def estimate(self, sums: WindowSums) -> Estimate:
        """Estimate the mean outcome of the rows of a window."""
        rows = max(float(sums.counts.sum()), 1.0)
        share = sums.counts / rows
        shift = sums.positions / np.maximum(sums.counts, 1) - self.center
        shift = np.where(sums.counts > 0, shift, 0.0)
        value = sums.expected / rows + float(share @ (self.mean + self.slope * shift))
        variance = np.maximum(self.variance, self.variance + self.variance_slope * shift)
        of_rows = float(share @ variance) / rows
        of_line = 1 / np.maximum(self.rows, 1) + shift**2 / np.maximum(self.spread, TINY)
        of_line = np.where(self.spread > 0, of_line, 1 / np.maximum(self.rows, 1))
        reach = SIDE * np.sqrt(of_rows + float(share**2 @ (variance * of_line)))
        return Estimate(value, value - reach, value + reach)


def _short(values: Array) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
