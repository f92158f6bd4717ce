"""Simulated windows of days that differ, in columns that do not drift or of which one does."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from onward.monitoring.bins import QUANTILES
from onward.monitoring.effects import BLOCKS, spread_of_blocks
from onward.monitoring.judging import State, compare, states

Array = np.ndarray

COLUMNS, TRAINING = 20, 20_000  # training rows
LINE = np.linspace(-1.5, 1.5, QUANTILES)
Changes = Iterator[Array]
"""The logarithm of what multiplies the shares of the bins of each column, day by day."""


def tilts(draw: np.random.Generator, spread: float) -> Changes:
    """All values of a column are larger on one day than on another."""
    while spread:
        yield draw.normal(size=(COLUMNS, 1)) * spread * LINE
    yield from itertools.repeat(np.zeros((COLUMNS, QUANTILES)))


def bins_apart(draw: np.random.Generator, spread: float) -> Changes:
    """Each bin has more or fewer rows."""
    while True:
        yield draw.normal(size=(COLUMNS, QUANTILES)) * spread


def outliers(draw: np.random.Generator, spread: float) -> Changes:
    """Tilts from Student's t with 4 degrees of freedom, of the same variance."""
    while True:
        yield draw.standard_t(4, (COLUMNS, 1)) / np.sqrt(2) * spread * LINE


def weekends(draw: np.random.Generator, spread: float) -> Changes:
    """Two of seven days are alike, which is half of the variance; all days are tilted as well."""
    for day in itertools.count():
        of_week = ((day % 7 >= 5) - 2 / 7) / np.sqrt(10 / 49)
        yield (of_week + draw.normal(size=(COLUMNS, 1))) * np.sqrt(0.5) * spread * LINE


def neighbours(draw: np.random.Generator, spread: float) -> Changes:
    """Tilts with a correlation of 0.5 from day to day."""
    tilt = draw.normal(size=(COLUMNS, 1))
    while True:
        tilt = 0.5 * tilt + np.sqrt(0.75) * draw.normal(size=(COLUMNS, 1))
        yield tilt * spread * LINE


@dataclass(frozen=True)
class Days:
    """How days differ."""

    rows: int
    """Of each day."""
    spread: float
    """About the root mean square of w between a day and all others."""
    changes: Callable[[np.random.Generator, float], Changes] = tilts
    of_block: int = 1
    """Days in each block of the training rows."""


def windows(
    days: Days, number: int, seed: int, shift: float = 0.0, quiet: int = 0
) -> dict[str, list[State]]:
    """The states of each column on each day.

    Args:
        days: how they differ.
        number: of days.
        seed: of all draws.
        shift: of the first column, in standard deviations.
        quiet: days before the shift.
    """
    draw = np.random.default_rng(seed)
    changes = days.changes(draw, days.spread)
    even = np.full((COLUMNS, QUANTILES), 1 / QUANTILES)
    blocks = []
    for _ in range(BLOCKS):
        shares = np.mean([_changed(even, next(changes)) for _ in range(days.of_block)], axis=0)
        blocks.append(draw.multinomial(TRAINING // BLOCKS, shares))
    moved = even.copy()
    edges = norm.ppf(np.linspace(0, 1, QUANTILES + 1))
    moved[0] = np.diff(norm.cdf(edges - shift))
    counts = [
        draw.multinomial(days.rows, _changed(even if day < quiet else moved, next(changes)))
        for day in range(number)
    ]
    return _states(np.array(blocks), np.array(counts, np.float64))


def _changed(shares: Array, change: Array) -> Array:
    changed = shares * np.exp(change)
    return np.asarray(changed / changed.sum(-1, keepdims=True))


def _states(blocks: Array, counts: Array) -> dict[str, list[State]]:
    """The states of columns, from counts of blocks and of days, ``(number, columns, bins)``."""
    comparisons = {
        str(column): compare(
            counts[:, column],
            blocks[:, column].sum(0).astype(np.float64),
            spread_of_blocks(blocks[:, column]),
        )
        for column in range(COLUMNS)
    }
    return {name: judgement.states for name, judgement in states(comparisons).items()}
