"""How well one column alone predicts the target."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

BIN_ROWS = 10  # training rows per bin, at least
MIN_BINS = 25  # with few rows bins are smaller, or a copy of the target would explain too little
MAX_OUTCOME_CLASSES = 30  # the most frequent classes
ONE_SIDED_95 = 1.645  # standard errors: the lower end of a one-sided 95 % interval


Values = np.ndarray | pl.Series
"""Numbers or texts of some rows, NaN or null for missing."""


@dataclass(frozen=True)
class Explained:
    """Explained share of the variance of held-out outcomes, at most 1; below 0 for noise."""

    share: float
    lower: float
    """Lower end of the one-sided 95 % interval."""


def outcomes(targets: np.ndarray) -> np.ndarray:
    """Targets on a common scale: one-hot classes, or ranks of numbers.

    Ranks do not depend on units or monotone transforms, and are robust against outliers.
    """
    if targets.dtype == np.int64:
        frequent = np.argsort(-np.bincount(targets), kind="stable")[:MAX_OUTCOME_CLASSES]
        flags: np.ndarray = np.equal(targets[:, None], frequent).astype(np.float64)
        return flags
    ranks: np.ndarray = pl.Series(targets).rank().to_numpy()[:, None] / len(targets)
    return ranks


def strength(values: Values, wanted: np.ndarray, is_train: np.ndarray) -> float:
    """The share of the variance of held-out outcomes that the column explains, at most 1.

    The model is a histogram: sorted values are cut into bins of `BIN_ROWS` training rows, equal
    values in one bin; a bin predicts the mean of its training rows. It finds any function of the
    column, monotone or not. On held-out rows it can be worse than the mean.

    Args:
        values: of one column.
        wanted: `outcomes` of the same rows.
        is_train: mask of the training rows; the others are predicted.
    """
    return estimate_strength(values, wanted, [is_train]).share


def estimate_strength(
    values: Values, wanted: np.ndarray, training_rows: Sequence[np.ndarray]
) -> Explained:
    """The `strength` over several divisions of the rows, with an interval.

    The interval is that of a ratio of two means over the predicted rows (delta method).

    Args:
        values: of one column.
        wanted: `outcomes` of the same rows.
        training_rows: mask of the training rows for each division.
    """
    losses = [_losses(values, wanted, is_train) for is_train in training_rows]
    error, spread = np.concatenate(losses, axis=1)
    if not spread.sum():
        return Explained(0.0, 0.0)
    ratio = error.sum() / spread.sum()
    deviation = np.sqrt(np.square(error - ratio * spread).sum()) / spread.sum()
    return Explained(float(1 - ratio), float(1 - ratio - ONE_SIDED_95 * deviation))


def _losses(values: Values, wanted: np.ndarray, is_train: np.ndarray) -> np.ndarray:
    """Squared errors of the held-out rows by histogram and by mean, ``(2, rows)``."""
    bins = _bins(values, is_train)
    training_bins, learned = bins[is_train], wanted[is_train]
    rows = np.bincount(training_bins, minlength=bins.max() + 1)
    mean = learned.mean(axis=0)
    sums = [np.bincount(training_bins, weights=column, minlength=len(rows)) for column in learned.T]
    guesses = np.where(rows > 0, sums / np.maximum(rows, 1), mean[:, None]).T
    held_out = wanted[~is_train]
    error = np.square(held_out - guesses[bins[~is_train]]).sum(axis=1)
    return np.stack([error, np.square(held_out - mean).sum(axis=1)])


def _bins(values: Values, is_train: np.ndarray) -> np.ndarray:
    """The bin of each row; missing values have their own bin."""
    codes = _dense_ranks(values)
    rows = np.bincount(codes[is_train], minlength=codes.max() + 1)
    rows[0] = 0
    size = min(max(int(is_train.sum()) // MIN_BINS, 2), BIN_ROWS)
    bins = (np.cumsum(rows) - rows) // size + 1
    last = max(1, bins[codes[is_train]].max())
    bins[0] = 0
    bin_of_row: np.ndarray = np.minimum(bins, last)[codes]
    return bin_of_row


def _dense_ranks(values: Values) -> np.ndarray:
    """1 for the smallest value, 2 for the next; 0 for missing."""
    if isinstance(values, pl.Series) and not values.dtype.is_numeric():
        return values.rank("dense").fill_null(0).to_numpy()
    numbers = np.asarray(values)  # NaN for null
    is_present = ~np.isnan(numbers)
    ranks = np.zeros(len(numbers), np.int64)
    ranks[is_present] = np.unique(numbers[is_present], return_inverse=True)[1] + 1
    return ranks
