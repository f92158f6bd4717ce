"""The mean difference of the losses of two models on the same rows, with intervals."""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy import special

from onward.tasks import Array

LEVEL = 0.05  # two-sided
POWER = 0.8  # probability of proving equivalence with the reported number of rows
NARROWEST = 4  # times the rows of the first look, where the sequence is narrowest
MOST_ROWS = 10**9  # larger numbers are not reported


@dataclass(frozen=True)
class Interval:
    """A confidence interval of a mean difference."""

    lower: float
    upper: float


@dataclass(frozen=True)
class PairedDifference:
    """Mean and standard deviation of differences of rows."""

    mean: float
    deviation: float
    rows: int

    @classmethod
    def of(cls, first: Array, second: Array) -> Self:
        """The first minus the second, row by row, for at least two rows."""
        differences = first - second
        return cls(float(differences.mean()), float(differences.std(ddof=1)), len(differences))

    @property
    def standard_error(self) -> float:
        """Standard error of the mean."""
        return self.deviation / math.sqrt(self.rows)

    def interval(self, level: float = LEVEL) -> Interval:
        """Student's interval with coverage ``1 - level``."""
        radius = float(special.stdtrit(self.rows - 1, 1 - level / 2)) * self.standard_error
        return Interval(self.mean - radius, self.mean + radius)

    def sequence(self, level: float, first_rows: int) -> Interval:
        """A confidence sequence: an interval that holds at all numbers of rows simultaneously.

        Each side has an error of half the level over all looks.

        Source: Waudby-Smith et al. 2024, "Time-uniform central limit theory and asymptotic
        confidence sequences", the one-sided boundary.

        Args:
            level: error of both sides together.
            first_rows: number of rows at the first look; the interval is narrowest at `NARROWEST`
                times as many.
        """
        chance = level  # twice the error of one side
        best = -2 * math.log(chance)
        squared = (best + math.log(best + 1)) / (NARROWEST * first_rows)
        scaled = self.rows * squared + 1
        radius = math.sqrt(2 * scaled / squared * math.log1p(math.sqrt(scaled) / chance))
        radius *= self.deviation / self.rows
        return Interval(self.mean - radius, self.mean + radius)

    def chance(self) -> float:
        """One-sided p-value of Student's test: the chance of such a mean without a difference."""
        if self.deviation == 0:
            return float(self.mean <= 0)
        return float(special.stdtr(self.rows - 1, -self.mean / self.standard_error))

    def provable_margin(self, level: float = LEVEL) -> float:
        """The smallest margin for which these rows prove equivalence.

        Source: Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power
        approach for assessing the equivalence of average bioavailability".
        """
        interval = self.interval(2 * level)
        return max(abs(interval.lower), abs(interval.upper))

    def rows_to_decide(self, margin: float, first_rows: int) -> int | None:
        """Number of rows from which `sequence` excludes the margin.

        Assumes the same mean and deviation; None if more than `MOST_ROWS` are needed.
        """
        distance = abs(margin - self.mean)
        rows = self.rows
        while self._at(rows).sequence(LEVEL, first_rows).upper - self.mean >= distance:
            rows *= 2
            if rows > MOST_ROWS:
                return None
        below = rows // 2
        while rows - below > 1:
            middle = (rows + below) // 2
            is_wide = self._at(middle).sequence(LEVEL, first_rows).upper - self.mean >= distance
            below, rows = (middle, rows) if is_wide else (below, middle)
        return rows

    def _at(self, rows: int) -> "PairedDifference":
        return replace(self, rows=rows)

    def rows_to_prove(self, margin: float, level: float = LEVEL) -> int | None:
        """Number of rows that would prove equivalence within the margin."""
        distance = margin - abs(self.mean)
        if distance <= 0:
            return None
        quantiles = special.ndtri(1 - level) + special.ndtri(POWER)
        return math.ceil(float(quantiles * self.deviation / distance) ** 2)


def holm(chances: Array) -> Array:
    """p-values adjusted for their number: the chance of any false alarm is the level.

    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(chances, kind="stable")
    adjusted = np.empty(len(chances))
    factors = np.arange(len(chances), 0, -1)
    adjusted[order] = np.maximum.accumulate(chances[order] * factors).clip(max=1)
    return adjusted
