"""Quality without labels: what a model expects of itself, corrected by what held-out rows showed.

Source: the idea is that of CBPE, https://nannyml.readthedocs.io, "Performance Estimation".
Differs: the difference between what was expected and what happened is stored for ten bins, with its
spread, and both count in the interval.

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


class Correction:
    """The difference between what happened and what was expected, by bin."""

    def __init__(self, bins: NumberBins, rows: Array, mean: Array, variance: Array) -> None:
        self.bins, self.rows, self.mean, self.variance = bins, rows, mean, variance

    @classmethod
    def learn(cls, scores: Scores, outcome: Array) -> "Correction":
        """Learn from held-out rows, whose outcome is known."""
        bins = quantile_bins(scores.position)
        index, surplus = bins.indices(scores.position), outcome - scores.expected
        size = bins.size - 1  # no prediction is missing
        rows = np.bincount(index, minlength=size)[:size].astype(np.float64)
        overall, spread = float(surplus.mean()), float(surplus.var())
        total = np.bincount(index, surplus, size)[:size]
        mean = np.where(rows > 0, total / np.maximum(rows, 1), overall)
        squares = np.bincount(index, (surplus - mean[index]) ** 2, size)[:size]
        variance = (squares + PRIOR * spread) / (rows + PRIOR)
        return cls(bins, rows, mean, variance)

    @classmethod
    def of_note(cls, note: Mapping[str, Any]) -> "Correction":
        """As the file has it."""
        bins = bins_of_note(note)
        assert isinstance(bins, NumberBins)
        return cls(bins, *(np.array(note[name], np.float64) for name in ("rows", "mean", "var")))

    def note(self) -> dict[str, Any]:
        """What `of_note` reads."""
        return {
            **self.bins.note(),
            "rows": self.rows.astype(int).tolist(),
            "mean": _short(self.mean),
            "var": _short(self.variance),
        }

    def sums(self, scores: Scores, window: Array, windows: int) -> list[WindowSums]:
        """What some rows add to each window.

        Args:
            scores: of the rows.
            window: the index of each row's window.
            windows: how many there are.
        """
        size = len(self.rows)
        index = window * size + np.minimum(self.bins.indices(scores.position), size - 1)
        counts = np.bincount(index, minlength=windows * size).reshape(windows, size)
        expected = np.bincount(window, scores.expected, windows)
        return [WindowSums(float(e), c) for e, c in zip(expected, counts, strict=True)]

    def estimate(self, sums: WindowSums) -> Estimate:
        """The mean outcome of the rows of a window, had they labels."""
        rows = max(float(sums.counts.sum()), 1.0)
        share = sums.counts / rows
        value = sums.expected / rows + float(share @ self.mean)
        of_rows = float(share @ self.variance) / rows
        of_correction = float(share**2 @ (self.variance / np.maximum(self.rows, 1)))
        reach = SIDE * np.sqrt(of_rows + of_correction)
        return Estimate(value, value - reach, value + reach)


def _short(values: Array) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
