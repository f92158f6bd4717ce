"""Whether the target is a simple function of two columns: their difference, sum, ratio, order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from onward.quality.leaks._univariate_strength import Explained, estimate_strength

MAX_PAIRED_COLUMNS = 20  # columns to pair, those with the strongest univariate effect
FIRST_TRY_ROWS = 3_000  # rows for a first try of a pair
FIRST_TRY_SHARE = 0.9  # share of the variance in the first try
MIN_PAIR_GAIN = 0.02  # share of the variance beyond that of the better single column

Function = Callable[[Any, Any], np.ndarray]  # of two arrays, or two texts
OF_NUMBERS: dict[str, Function] = {
    "{0} - {1}": np.subtract,  # its sign compares the two
    "{0} + {1}": np.add,
    "{0} / {1}": np.divide,
    "{0} * {1}": np.multiply,
}
OF_TEXTS: dict[str, Function] = {
    "{0} = {1}": lambda left, right: (left == right).cast(pl.Float64).to_numpy(),
}


@dataclass(frozen=True)
class Pair:
    """A function of two columns, and how much it explains."""

    formula: str
    """With column names, such as ``'home' - 'away'``."""
    result: Explained


def leaking_pairs(
    columns: pl.DataFrame,
    wanted: np.ndarray,
    training_rows: Sequence[np.ndarray],
    alone: dict[str, float],
) -> Iterator[Pair]:
    """The pairs that explain nearly all of the target, and more than either column alone.

    A function is measured with the same histogram as a single column, so any function of it is
    found: a sign, a threshold, an order. Two text columns are compared for equality.

    Args:
        columns: numbers or texts; null for missing.
        wanted: `outcomes` of the same rows.
        training_rows: mask of the training rows for each division.
        alone: share that each single column explains.
    """
    is_sampled = _sample(training_rows)
    values, sample = _values(columns), _values(columns.filter(is_sampled))
    sample_wanted = wanted[is_sampled]
    sample_training_rows = [rows[is_sampled] for rows in training_rows]
    for formula, left, right, function in _candidates(columns, alone):
        best_alone = max(alone[left], alone[right])
        with np.errstate(all="ignore"):  # of divisions by 0
            first = function(sample[left], sample[right])
        first_try = estimate_strength(first, sample_wanted, sample_training_rows)
        if first_try.share < max(FIRST_TRY_SHARE, best_alone + MIN_PAIR_GAIN):
            continue
        with np.errstate(all="ignore"):
            every = function(values[left], values[right])
        result = estimate_strength(every, wanted, training_rows)
        if result.share >= best_alone + MIN_PAIR_GAIN:
            yield Pair(formula.format(repr(left), repr(right)), result)


def _candidates(
    columns: pl.DataFrame, alone: dict[str, float]
) -> Iterator[tuple[str, str, str, Function]]:
    strongest = sorted(columns.columns, key=lambda name: -alone[name])
    numeric = [name for name in strongest if columns[name].dtype.is_numeric()]
    texts = [name for name in strongest if columns[name].dtype == pl.String]
    for names, functions in ((numeric, OF_NUMBERS), (texts, OF_TEXTS)):
        for left, right in combinations(names[:MAX_PAIRED_COLUMNS], 2):
            for formula, function in functions.items():
                yield formula, left, right, function


def _values(columns: pl.DataFrame) -> dict[str, np.ndarray | pl.Series]:
    """Numbers as arrays, NaN for missing: polars takes ten times as long for a few thousand."""
    return {
        values.name: values.to_numpy() if values.dtype.is_numeric() else values
        for values in columns
    }


def _sample(training_rows: Sequence[np.ndarray]) -> np.ndarray:
    """Mask of a few random rows."""
    rows = len(training_rows[0])
    chosen = np.zeros(rows, bool)
    chosen[np.random.default_rng(0).permutation(rows)[:FIRST_TRY_ROWS]] = True
    return chosen
