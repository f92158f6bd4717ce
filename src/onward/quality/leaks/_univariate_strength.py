"""How well one column alone predicts the target."""

import numpy as np
import polars as pl

BIN = 10  # training rows that are averaged, at least
MOST = 30  # classes that are told apart, the most frequent ones


def outcomes(targets: np.ndarray) -> np.ndarray:
    """Targets as numbers of a common scale: for each class a flag, or the rank among all rows.

    Ranks are the same for each unit and each monotone function, and no outlier outweighs the rest.
    """
    if targets.dtype == np.int64:
        frequent = np.argsort(-np.bincount(targets), kind="stable")[:MOST]
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
    place = _bins(values, is_train)
    known, learned = place[is_train], wanted[is_train]
    rows = np.bincount(known, minlength=place.max() + 1)
    mean = learned.mean(axis=0)
    sums = [np.bincount(known, weights=column, minlength=len(rows)) for column in learned.T]
    guesses = np.where(rows > 0, sums / np.maximum(rows, 1), mean[:, None]).T
    held_out = wanted[~is_train]
    error = np.square(held_out - guesses[place[~is_train]]).sum()
    return float(1 - error / np.square(held_out - mean).sum())


def _bins(values: pl.Series, is_train: np.ndarray) -> np.ndarray:
    """For each row its bin; missing values have one of their own."""
    codes = values.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    rows = np.bincount(codes[is_train], minlength=codes.max() + 1)
    rows[0] = 0
    bins = (np.cumsum(rows) - rows) // BIN + 1
    last = max(1, bins[codes[is_train]].max())
    bins[0] = 0
    place: np.ndarray = np.minimum(bins, last)[codes]
    return place
