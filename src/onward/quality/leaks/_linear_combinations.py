"""Whether the target is a sum of columns, as a total is of its parts."""

import numpy as np

WHOLE = 0.15  # a coefficient of least squares may be that far from 1 or -1: columns that go along
# with the parts of a sum take their share of it
NEEDED = 2.0  # times as much is left unexplained without a column that belongs to a sum
MOST = 20  # columns of a sum


def sum_of(values: np.ndarray, targets: np.ndarray, is_train: np.ndarray) -> np.ndarray:
    """For each column its sign in the sum that comes nearest to the target, 0 if not in it.

    Least squares of the training rows say which columns count about once. Other multiples are
    not looked for: a target that is 3.2 times a column and twice another is what people train
    networks for, and one that is a plain sum is bookkeeping.

    Args:
        values: numbers ``(rows, columns)``, 0 for missing: what is not booked.
        targets: numbers ``(rows,)``.
        is_train: the rows to learn from.
    """
    known = values[is_train]
    center, scale = known.mean(axis=0), known.std(axis=0)
    scale[scale == 0] = np.inf
    found = np.linalg.lstsq((known - center) / scale, targets[is_train] - targets[is_train].mean())
    coefficients = found[0] / scale
    signs: np.ndarray = np.where(np.abs(np.abs(coefficients) - 1) < WHOLE, np.sign(coefficients), 0)
    return signs


def needed(
    signs: np.ndarray, values: np.ndarray, targets: np.ndarray, is_train: np.ndarray
) -> np.ndarray:
    """The signs without those of columns that the sum does as well without."""
    if np.abs(signs).sum() > MOST:
        return np.zeros_like(signs)
    left = 1 - explained(values @ signs, targets, is_train)
    for place in np.flatnonzero(signs):
        without = np.where(np.arange(len(signs)) == place, 0, signs)
        left_without = 1 - explained(values @ without, targets, is_train)
        if left_without < NEEDED * left:
            signs, left = without, left_without
    return signs


def explained(values: np.ndarray, targets: np.ndarray, is_train: np.ndarray) -> float:
    """The share of the held-out targets' variance that goes with a number that is one of theirs.

    Args:
        values: ``(rows,)``; the mean of the difference is learned from training rows.
        targets: ``(rows,)``.
        is_train: the rows to learn from.
    """
    rest = targets - values
    left = np.square(rest[~is_train] - rest[is_train].mean()).sum()
    whole = np.square(targets[~is_train] - targets[is_train].mean()).sum()
    return float(1 - left / whole) if whole > 0 else 0.0
