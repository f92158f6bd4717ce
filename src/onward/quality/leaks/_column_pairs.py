"""Whether the target is a simple function of two columns: their difference, sum, ratio, order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from onward.quality.leaks._univariate_strength import Explained, explained

MOST = 20  # columns that are paired: those that explain most by themselves
FEW = 3_000  # rows that a pair is tried on before it is measured on all
PROMISING = 0.9  # of the variance, on the few rows
GAIN = 0.02  # of the variance, beyond what the better column of a pair explains alone

Function = Callable[[pl.Series, pl.Series], pl.Series]
FUNCTIONS: dict[str, Function] = {
    "{0} - {1}": lambda left, right: left - right,  # its sign is a comparison
    "{0} + {1}": lambda left, right: left + right,
    "{0} / {1}": lambda left, right: left / right,
    "{0} * {1}": lambda left, right: left * right,
}


@dataclass(frozen=True)
class Pair:
    """Two columns, and how much a function of them explains."""

    formula: str
    """With the names of the columns, as in ``'home' - 'away'``."""
    result: Explained


def telling_pairs(
    columns: pl.DataFrame,
    wanted: np.ndarray,
    training_rows: Sequence[np.ndarray],
    alone: dict[str, float],
) -> Iterator[Pair]:
    """The pairs that explain nearly all of the target, and more than either column does alone.

    A function is measured by the same histogram as a single column, so that whatever follows from
    it counts: a sign, a threshold, an order. Two text columns are compared for equality.

    Args:
        columns: numbers, or texts; null for missing.
        wanted: `outcomes` of the same rows.
        training_rows: for each division, whether to learn from a row.
        alone: for each column the share that it explains by itself.
    """
    some = _sample(training_rows)
    for formula, left, right, values in _candidates(columns, alone):
        best_alone = max(alone[left], alone[right])
        tried = explained(values.filter(some), wanted[some], [rows[some] for rows in training_rows])
        if tried.share < max(PROMISING, best_alone + GAIN):
            continue
        result = explained(values, wanted, training_rows)
        if result.share >= best_alone + GAIN:
            yield Pair(formula.format(repr(left), repr(right)), result)


def _candidates(
    columns: pl.DataFrame, alone: dict[str, float]
) -> Iterator[tuple[str, str, str, pl.Series]]:
    strongest = sorted(columns.columns, key=lambda name: -alone[name])
    numeric = [name for name in strongest if columns[name].dtype.is_numeric()]
    texts = [name for name in strongest if columns[name].dtype == pl.String]
    for left, right in combinations(numeric[:MOST], 2):
        for formula, function in FUNCTIONS.items():
            values = function(columns[left], columns[right])
            yield formula, left, right, values.fill_nan(None)
    for left, right in combinations(texts[:MOST], 2):
        yield "{0} = {1}", left, right, (columns[left] == columns[right]).cast(pl.Float64)


def _sample(training_rows: Sequence[np.ndarray]) -> np.ndarray:
    """A few rows of both sides of every division."""
    rows = len(training_rows[0])
    chosen = np.zeros(rows, bool)
    chosen[np.random.default_rng(0).permutation(rows)[:FEW]] = True
    return chosen
