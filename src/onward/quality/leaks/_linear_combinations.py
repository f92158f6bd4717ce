"""Targets that are sums of columns, as a total is the sum of its parts."""

import numpy as np

UNIT_TOLERANCE = 0.15
"""Distance of a least-squares coefficient from 1 or -1: columns that are correlated with the parts
of a sum take a share of them."""
NEEDED_FACTOR = 2.0  # factor by which the residual variance grows without a column of the sum
MAX_SUM_COLUMNS = 20  # columns of a sum at most


def nearest_sum(values: np.ndarray, targets: np.ndarray, is_train: np.ndarray) -> np.ndarray:
    """The sign of each column in the sum closest to the target, 0 if not in it.

    Columns with a least-squares coefficient near 1 or -1 in the training rows belong to the sum.
    Other multiples are ignored: a weighted sum is a relation to learn, a plain sum is bookkeeping.

    Args:
        values: numbers ``(rows, columns)``; 0 for missing.
        targets: numbers ``(rows,)``.
        is_train: mask of the training rows.
    """
    learned = values[is_train]
    center, scale = learned.mean(axis=0), learned.std(axis=0)
    scale[scale == 0] = np.inf
    solution = np.linalg.lstsq(
        (learned - center) / scale, targets[is_train] - targets[is_train].mean()
    )
    coefficients = solution[0] / scale
    signs: np.ndarray = np.where(
        np.abs(np.abs(coefficients) - 1) < UNIT_TOLERANCE, np.sign(coefficients), 0
    )
    return signs


def needed_signs(
    signs: np.ndarray, values: np.ndarray, targets: np.ndarray, is_train: np.ndarray
) -> np.ndarray:
    """The signs of the columns that the sum needs; all others become 0."""
    if np.abs(signs).sum() > MAX_SUM_COLUMNS:
        return np.zeros_like(signs)
    left = 1 - explained_share(values @ signs, targets, is_train)
    for index in np.flatnonzero(signs):
        without = np.where(np.arange(len(signs)) == index, 0, signs)
        left_without = 1 - explained_share(values @ without, targets, is_train)
        if left_without < NEEDED_FACTOR * left:
            signs, left = without, left_without
    return signs


def explained_share(values: np.ndarray, targets: np.ndarray, is_train: np.ndarray) -> float:
    """The share of the variance of held-out targets that the values explain, with slope 1.

    Args:
        values: ``(rows,)``; the mean of the difference is estimated on training rows.
        targets: ``(rows,)``.
        is_train: mask of the training rows.
    """
    rest = targets - values
    left = np.square(rest[~is_train] - rest[is_train].mean()).sum()
    whole = np.square(targets[~is_train] - targets[is_train].mean()).sum()
    return float(1 - left / whole) if whole > 0 else 0.0
