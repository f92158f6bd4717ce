"""Downsampling of the training rows of large tables."""

import numpy as np
from pydantic import PositiveInt

from onward.errors import ConfigError
from onward.settings.family import Settings
from onward.table.splits._base import LEFT_OUT, TRAIN


class Sample(Settings):
    """``rows`` is the maximum number of training rows, stratified by class."""

    rows: PositiveInt


def drop_unsampled(
    splits: np.ndarray, targets: np.ndarray, sample: Sample, seed: int
) -> np.ndarray:
    """The splits with `LEFT_OUT` for training rows outside the sample.

    All rows have the same probability, except that each class keeps at least one row.

    Args:
        splits: the index into `SPLITS` of each row.
        targets: codes of classes (int64) or numbers (float64).
        sample: the number of rows to keep.
        seed: of the sample.

    Raises:
        ConfigError: if there are more classes than rows to keep.
    """
    rows = np.flatnonzero(splits == TRAIN)
    if len(rows) <= sample.rows:
        return splits
    result = splits.copy()
    result[rows] = LEFT_OUT
    result[_draw(rows, targets[rows], sample.rows, np.random.default_rng(seed))] = TRAIN
    return result


def _draw(
    rows: np.ndarray, targets: np.ndarray, count: int, random: np.random.Generator
) -> np.ndarray:
    if targets.dtype != np.int64:
        return random.choice(rows, count, replace=False)
    classes = np.bincount(targets)
    by_class = rows[np.argsort(targets, kind="stable")]
    groups = np.split(by_class, np.cumsum(classes)[:-1])
    drawn = zip(groups, _share_out(classes, count), strict=True)
    return np.concatenate([random.choice(group, n, replace=False) for group, n in drawn if n])


def _share_out(classes: np.ndarray, count: int) -> np.ndarray:
    """The number of rows of each class to keep: its share of ``count``, but at least one.

    Example:
        >>> _share_out(np.array([900, 0, 99, 1]), 100)
        array([90,  0,  9,  1])
    """
    num_classes = int((classes > 0).sum())
    if count < num_classes:
        raise ConfigError(
            f"prepare.sample.rows: {count} rows cannot contain all {num_classes} classes. Keep"
            " more rows"
        )
    exact = classes * (count / classes.sum())
    shares = np.where(classes > 0, np.maximum(np.floor(exact).astype(np.int64), 1), 0)
    while shares.sum() > count:  # classes with a share below one row got one
        shares[np.argmax(np.where(shares > 1, shares - exact, -np.inf))] -= 1
    left = count - shares.sum()
    shares[np.argsort(shares - exact, kind="stable")[:left]] += 1
    return shares
