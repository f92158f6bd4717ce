"""Some of the training rows of a table that has more than one wants to learn from."""

import numpy as np
from pydantic import PositiveInt

from onward.errors import ConfigError
from onward.settings.family import Settings
from onward.table.splits._base import LEFT_OUT, TRAIN


class Sample(Settings):
    """How many ``rows`` are left to learn from, at most: of each class the same share."""

    rows: PositiveInt


def sampled(splits: np.ndarray, targets: np.ndarray, sample: Sample, seed: int) -> np.ndarray:
    """The same splits, with `LEFT_OUT` in place of training rows that are not drawn.

    All have the same chance, but that of a class that is there one row at least is drawn.

    Args:
        splits: for each row its place in `SPLITS`.
        targets: codes of classes (int64) or numbers (float64).
        sample: how many rows to keep.
        seed: of what is drawn.

    Raises:
        ConfigError: if there are more classes than rows to keep.
    """
    rows = np.flatnonzero(splits == TRAIN)
    if len(rows) <= sample.rows:
        return splits
    kept = splits.copy()
    kept[rows] = LEFT_OUT
    kept[_drawn(rows, targets[rows], sample.rows, np.random.default_rng(seed))] = TRAIN
    return kept


def _drawn(
    rows: np.ndarray, targets: np.ndarray, count: int, random: np.random.Generator
) -> np.ndarray:
    if targets.dtype != np.int64:
        return random.choice(rows, count, replace=False)
    classes = np.bincount(targets)
    by_class = rows[np.argsort(targets, kind="stable")]
    groups = np.split(by_class, np.cumsum(classes)[:-1])
    drawn = zip(groups, _shared(classes, count), strict=True)
    return np.concatenate([random.choice(some, n, replace=False) for some, n in drawn if n])


def _shared(classes: np.ndarray, count: int) -> np.ndarray:
    """How many rows of each class are kept, of ``count``: by its share, but one at least.

    Example:
        >>> _shared(np.array([900, 0, 99, 1]), 100)
        array([90,  0,  9,  1])
    """
    found = int((classes > 0).sum())
    if count < found:
        raise ConfigError(
            f"prepare.sample.rows: {count} rows cannot have one of each of {found} classes. Keep"
            " more"
        )
    exact = classes * (count / classes.sum())
    shares = np.where(classes > 0, np.maximum(np.floor(exact).astype(np.int64), 1), 0)
    while shares.sum() > count:  # each class of less than one row was given one
        shares[np.argmax(np.where(shares > 1, shares - exact, -np.inf))] -= 1
    left = count - shares.sum()
    shares[np.argsort(shares - exact, kind="stable")[:left]] += 1
    return shares
