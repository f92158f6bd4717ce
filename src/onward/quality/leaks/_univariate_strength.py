"""How well one column alone predicts the target."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

BIN = 10  # training rows in a bin, at least
FEWEST_BINS = 25  # few rows have smaller bins, or a copy of the target would explain too little
MOST_CLASSES = 30  # the most frequent ones
ONE_SIDED = 1.645  # standard errors: the lower end of a one-sided 95 % interval


@dataclass(frozen=True)
class Explained:
    """A share of the variance of held-out outcomes; 1 is all of it, noise is below 0."""

    share: float
    lower: float
    """The lower end of its one-sided 95 % interval; with few rows it is far below the share."""


def outcomes(targets: np.ndarray) -> np.ndarray:
    """Targets as numbers of a common scale: for each class a flag, or the rank among all rows.

    Ranks are the same for each unit and each monotone function, and no outlier outweighs the rest.
    """
    if targets.dtype == np.int64:
        frequent = np.argsort(-np.bincount(targets), kind="stable")[:MOST_CLASSES]
        flags: np.ndarray = np.equal(targets[:, None], frequent).astype(np.float64)
        return flags
    ranks: np.ndarray = pl.Series(targets).rank().to_numpy()[:, None] / len(targets)
    return ranks


def strength(values: pl.Series, wanted: np.ndarray, is_train: np.ndarray) -> float:
    """The share of the held-out outcomes' variance that the column explains; 1 is all of it.

    The model is a histogram: values in their order, equal ones together, are cut into bins of
    `BIN` training rows; a bin predicts their mean. It finds any function of the column, monotone
    or not, also of its gaps. It learns from training rows alone, and can be worse than nothing.

    Args:
        values: numbers or texts, null for missing.
        wanted: `outcomes` of the same rows.
        is_train: whether to learn from a row; the others are predicted.
    """
    return explained(values, wanted, [is_train]).share


def explained(
    values: pl.Series, wanted: np.ndarray, training_rows: Sequence[np.ndarray]
) -> Explained:
    """What `strength` measures, over several divisions of the rows, with an interval.

    The interval is that of a ratio of two means over the predicted rows (delta method).

    Args:
        values: numbers or texts, null for missing.
        wanted: `outcomes` of the same rows.
        training_rows: for each division, whether to learn from a row.
    """
    losses = [_losses(values, wanted, is_train) for is_train in training_rows]
    error, spread = np.concatenate(losses, axis=1)
    if not spread.sum():
        return Explained(0.0, 0.0)
    ratio = error.sum() / spread.sum()
    deviation = np.sqrt(np.square(error - ratio * spread).sum()) / spread.sum()
    return Explained(float(1 - ratio), float(1 - ratio - ONE_SIDED * deviation))


def _losses(values: pl.Series, wanted: np.ndarray, is_train: np.ndarray) -> np.ndarray:
    """Squared errors of the held-out rows, by the histogram and by the mean, ``(2, rows)``."""
    bins = _bins(values, is_train)
    known, learned = bins[is_train], wanted[is_train]
    rows = np.bincount(known, minlength=bins.max() + 1)
    mean = learned.mean(axis=0)
    sums = [np.bincount(known, weights=column, minlength=len(rows)) for column in learned.T]
    guesses = np.where(rows > 0, sums / np.maximum(rows, 1), mean[:, None]).T
    held_out = wanted[~is_train]
    error = np.square(held_out - guesses[bins[~is_train]]).sum(axis=1)
    return np.stack([error, np.square(held_out - mean).sum(axis=1)])


def _bins(values: pl.Series, is_train: np.ndarray) -> np.ndarray:
    """For each row its bin; missing values have one of their own."""
    codes = values.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    rows = np.bincount(codes[is_train], minlength=codes.max() + 1)
    rows[0] = 0
    size = min(max(int(is_train.sum()) // FEWEST_BINS, 2), BIN)
    bins = (np.cumsum(rows) - rows) // size + 1
    last = max(1, bins[codes[is_train]].max())
    bins[0] = 0
    bin_of_row: np.ndarray = np.minimum(bins, last)[codes]
    return bin_of_row
