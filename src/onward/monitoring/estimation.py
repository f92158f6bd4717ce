"""Quality without labels: what a model expects of itself, corrected by what held-out rows showed.

Source: the idea is that of CBPE, https://nannyml.readthedocs.io, "Performance Estimation".
Differs: the difference between what was expected and what happened is stored for ten bins, as a
straight line in each, with its spread; how well it is known counts in the interval.

It assumes that the target depends on the columns as it did: a change of that cannot be seen
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
PARTS = ("rows", "mean", "variance", "center", "slope", "spread")
PRIOR = 2.0  # rows of the mean spread that each bin gets: a bin without an error is not certain


@dataclass(frozen=True)
class Estimate:
    """A quality with its 95 % interval. It is an estimate, and never called more than that."""

    value: float
    lower: float
    upper: float


@dataclass
class WindowSums:
    """What is added up over the rows of a window."""

    expected: float
    counts: Array
    """``(bins,)``."""
    positions: Array
    """Sums of the positions of the rows in each bin, ``(bins,)``."""

    def __add__(self, other: "WindowSums") -> "WindowSums":
        """Of both."""
        return WindowSums(
            self.expected + other.expected,
            self.counts + other.counts,
            self.positions + other.positions,
        )


@dataclass(frozen=True)
class Correction:
    """The difference between what happened and what was expected: in each bin a straight line.

    Where rows move inside a bin, the line moves the estimate, and how little its slope is known
    widens the interval.
    """

    bins: NumberBins
    rows: Array
    """Of each bin, ``(bins,)`` as all others."""
    mean: Array
    variance: Array
    """Around the line."""
    center: Array
    """Mean position."""
    slope: Array
    spread: Array
    """Sum of the squared distances from the center."""

    @classmethod
    def learn(cls, scores: Scores, outcome: Array) -> "Correction":
        """Learn from held-out rows, whose outcome is known."""
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
        return cls(bins, rows, mean, variance, center, slope, spread)

    @classmethod
    def of_note(cls, note: Mapping[str, Any]) -> "Correction":
        """As the file has it."""
        bins = bins_of_note(note)
        assert isinstance(bins, NumberBins)
        return cls(bins, *(np.array(note[name], np.float64) for name in PARTS))

    def note(self) -> dict[str, Any]:
        """What `of_note` reads."""
        parts = {name: _short(getattr(self, name)) for name in PARTS}
        return {**self.bins.note(), **parts}

    def sums(self, scores: Scores, window: Array, windows: int) -> list[WindowSums]:
        """What some rows add to each window.

        Args:
            scores: of the rows.
            window: the index of each row's window.
            windows: how many there are.
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
        """The mean outcome of the rows of a window, had they labels."""
        rows = max(float(sums.counts.sum()), 1.0)
        share = sums.counts / rows
        moved = sums.positions / np.maximum(sums.counts, 1) - self.center
        moved = np.where(sums.counts > 0, moved, 0.0)
        value = sums.expected / rows + float(share @ (self.mean + self.slope * moved))
        of_rows = float(share @ self.variance) / rows
        of_line = 1 / np.maximum(self.rows, 1) + moved**2 / np.maximum(self.spread, TINY)
        of_line = np.where(self.spread > 0, of_line, 1 / np.maximum(self.rows, 1))
        reach = SIDE * np.sqrt(of_rows + float(share**2 @ (self.variance * of_line)))
        return Estimate(value, value - reach, value + reach)


def _short(values: Array) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
