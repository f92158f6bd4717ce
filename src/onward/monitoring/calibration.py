"""Calibration: the agreement of probabilities with frequencies, and of values with means.

The calibration slope is 1 if they agree. Below 1 the model is too confident: its probabilities are
too close to 0 and 1, or its values too far from their mean. Above 1 it is too cautious.

Source: Cox 1958, "Two Further Applications of a Model for Binary Regression".
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from onward.monitoring.bins import Array
from onward.monitoring.proportions import wilson

LIMIT, STEP = 12.0, 0.1  # log-odds; 12 is a probability of 0.999994
BINS = int(2 * LIMIT / STEP)
LEAST = 20  # rows of each outcome, ten for each of two parameters
ITERATIONS, TINY = 25, 1e-9
GROUPS = 10  # of probabilities, on the page


@dataclass(frozen=True)
class Slope:
    """A calibration slope with its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Frequency:
    """Rows with similar probabilities, and how often the outcome came."""

    rows: int
    predicted: float
    """Mean probability."""
    observed: float
    """Share of rows with the outcome, and its 95 % interval."""
    lower: float
    upper: float


class Calibration(ABC):
    """Sums over labelled rows, which may be added, and the slope that follows from them."""

    @abstractmethod
    def sums(self, position: Array, outcome: Array) -> Array:
        """Sums over rows.

        Args:
            position: probabilities or values, ``(rows,)``.
            outcome: whether the outcome came, or the actual values.
        """

    @abstractmethod
    def slope(self, sums: Array) -> Slope | None:
        """The slope; None if there are too few rows."""

    @abstractmethod
    def frequencies(self, sums: Array) -> list[Frequency]:
        """Frequencies by probability; empty for values."""

    @abstractmethod
    def note(self) -> dict[str, float]:
        """What `calibration_of_note` needs."""


class ProbabilityCalibration(Calibration):
    """A logistic regression of the outcome on the log-odds, in narrow bins of these."""

    def sums(self, position: Array, outcome: Array) -> Array:
        """Rows, log-odds and outcomes of each bin, ``(3, bins)``."""
        odds = np.clip(special.logit(position), -LIMIT, LIMIT)
        codes = np.minimum(((odds + LIMIT) / STEP).astype(np.int64), BINS - 1)
        parts = (None, odds, outcome)
        return np.array([np.bincount(codes, part, BINS) for part in parts], np.float64)

    def slope(self, sums: Array) -> Slope | None:
        """By Newton's method; None with few rows of an outcome, or if the two are separable."""
        rows, totals, hits = sums[:, sums[0] > 0]
        if min(hits.sum(), (rows - hits).sum()) < LEAST:
            return None
        design = np.stack([np.ones(len(rows)), totals / rows])
        weights = np.zeros(2)  # intercept and slope; from 0 also probabilities of 0 and 1 converge
        for _ in range(ITERATIONS):
            chance = special.expit(weights @ design)
            information = (design * (rows * chance * (1 - chance))) @ design.T
            if np.linalg.det(information) < TINY:
                return None
            step = np.linalg.solve(information, design @ (hits - rows * chance))
            weights = weights + step
            if np.abs(step).max() < TINY:
                error = np.sqrt(np.linalg.inv(information)[1, 1])
                return Slope(float(weights[1]), float(error))
        return None

    def frequencies(self, sums: Array) -> list[Frequency]:
        """By ten ranges of the probability."""
        rows, totals, hits = sums[:, sums[0] > 0]
        chance = special.expit(totals / rows)
        groups = np.minimum((chance * GROUPS).astype(np.int64), GROUPS - 1)
        counts, came, expected = (
            np.bincount(groups, part, GROUPS) for part in (rows, hits, rows * chance)
        )
        return [
            Frequency(int(n), float(mean / n), float(k / n), *wilson(k, n))
            for n, k, mean in zip(counts, came, expected, strict=True)
            if n
        ]

    def note(self) -> dict[str, float]:
        """Nothing."""
        return {}


@dataclass(frozen=True)
class ValueCalibration(Calibration):
    """A linear regression of the actual values on the predicted ones.

    The standard error allows for noise that grows with the value.

    Source: White 1980, "A Heteroskedasticity-Consistent Covariance Matrix Estimator".
    """

    center: float
    scale: float
    """Of predicted values, so that powers of them can be added up."""

    def sums(self, position: Array, outcome: Array) -> Array:
        """Powers of the scaled values times powers of the errors, ``(5, 3)``."""
        x = (position - self.center) / self.scale
        error = (outcome - position) / self.scale
        return np.vander(x, 5, increasing=True).T @ np.vander(error, 3, increasing=True)

    def slope(self, sums: Array) -> Slope | None:
        """By least squares: 1 plus the slope of the errors."""
        rows = sums[0, 0]
        if rows < LEAST:
            return None
        mean, mean_error = sums[1, 0] / rows, sums[0, 1] / rows
        spread = sums[2, 0] - rows * mean**2
        if spread < TINY * rows:
            return None
        slope = (sums[1, 1] - rows * mean * mean_error) / spread
        start = mean_error - slope * mean
        # the sum of (x - mean)² (error - start - slope x)², multiplied out
        distance = np.array([mean**2, -2 * mean, 1.0])
        residual = np.array([[start**2, -2 * start, 1], [2 * start * slope, -2 * slope, 0]])
        residual = np.vstack([residual, [slope**2, 0, 0]])
        total = sum(
            distance[k] * residual[i, j] * sums[k + i, j]
            for k in range(3)
            for i in range(3)
            for j in range(3)
        )
        error = np.sqrt(max(0.0, total) * rows / (rows - 2)) / spread
        return Slope(float(1 + slope), float(error))

    def frequencies(self, sums: Array) -> list[Frequency]:
        """None: values have no frequencies."""
        return []

    def note(self) -> dict[str, float]:
        """Center and scale."""
        return {"center": self.center, "scale": self.scale}


@dataclass(frozen=True)
class KnownCalibration:
    """How to measure the calibration, and the slope on the test set."""

    measure: Calibration
    slope: Slope


def calibration_of(position: Array, *, is_probability: bool) -> Calibration:
    """The measure for predictions like these."""
    if is_probability:
        return ProbabilityCalibration()
    low, center, high = np.quantile(position, (0.05, 0.5, 0.95))
    return ValueCalibration(float(center), float(high - low) or 1.0)


def calibration_of_note(note: Mapping[str, float]) -> KnownCalibration:
    """Read the note of a file."""
    measure: Calibration = ProbabilityCalibration()
    if "center" in note:
        measure = ValueCalibration(note["center"], note["scale"])
    return KnownCalibration(measure, Slope(note["slope"], note["error"]))
