"""Whether a difference is more than chance."""

import numpy as np
from scipy import special

from onward.tasks.metrics import Array

LEVEL = 0.05  # of the slices or columns that are said to differ, at most this share does not
NORMAL = 1e-3  # of a skewness; a gamma distribution of less is the normal one, but for rounding
NORMAL_95 = 1.959964  # standard errors to each side of a mean that a 95 % interval has


def adjusted(chances: Array) -> Array:
    """For each of many p-values the false discovery rate at which it would just be found.

    Holds for independent and for positively dependent tests, such as those of slices that overlap.

    Source: Benjamini and Hochberg 1995, "Controlling the False Discovery Rate"; for dependent
    tests Benjamini and Yekutieli 2001, "The control of the false discovery rate in multiple
    testing under dependency".

    Example:
        >>> adjusted(np.array([0.01, 0.04, 0.03, 0.5])).round(3).tolist()
        [0.04, 0.053, 0.053, 0.5]
    """
    order = np.argsort(-chances, kind="stable")
    ranks = np.arange(len(chances), 0, -1)
    rates = np.empty(len(chances))
    rates[order] = np.minimum.accumulate(chances[order] * len(chances) / ranks).clip(max=1)
    return rates


def exceeds(values: Array, codes: Array, groups: int) -> Array:
    """Chance that so many rows, drawn at random, have a mean as high as each group's.

    The distribution of the mean over all ways to draw the rows has mean, variance and skewness
    that are known exactly; the gamma distribution with these stands for it. Unlike a t-test it does
    not need many rows where values are skewed, as losses are.

    Source: Mielke and Berry 2007, "Permutation Methods", with the Pearson type III distribution.

    Args:
        values: of each row.
        codes: group of each row, or -1, which is compared with, but is no group.
        groups: how many there are.
    """
    inside = codes >= 0
    rows, total = np.bincount(codes[inside], minlength=groups), len(values)
    distances = values - values.mean()
    sums = np.bincount(codes[inside], distances[inside], groups)
    squares, cubes = (distances**2).sum(), (distances**3).sum()
    if total < 3 or squares == 0:
        return np.ones(groups)
    variance = rows * (total - rows) / (total * (total - 1)) * squares
    third = rows * (total - rows) * (total - 2 * rows) * cubes
    third = third / (total * (total - 1) * (total - 2))
    drawn = variance > 0  # else all rows are in the group, or none
    deviation = np.sqrt(np.where(drawn, variance, 1))
    return np.where(drawn, _above(sums / deviation, third / deviation**3), 1.0)


def _above(values: Array, skewness: Array) -> Array:
    """Of a Pearson type III distribution with mean 0 and variance 1."""
    is_normal = np.abs(skewness) < NORMAL
    size = np.where(is_normal, 1, np.abs(skewness))
    shape = 4 / size**2
    # a gamma variable with this shape, moved and scaled; mirrored where the skewness is negative
    place = (shape + np.sign(skewness) * values * np.sqrt(shape)).clip(min=0)
    tail = np.where(skewness > 0, special.gammaincc(shape, place), special.gammainc(shape, place))
    return np.where(is_normal, special.ndtr(-values), tail)  # type: ignore[no-any-return]


def differ(rows: Array, means: Array, variances: Array) -> float:
    """Chance that means of groups would differ as much if they were all equal.

    Groups may have unequal variances, as residuals of probabilities have.

    Source: Welch 1951, "On the comparison of several mean values: an alternative approach".

    Args:
        rows: of each group; two at least.
        means: of each group.
        variances: of the values of each group, none of them 0.
    """
    if len(rows) < 2:
        return 1.0
    weights = rows / variances
    shares = weights / weights.sum()
    between = (weights * (means - (shares * means).sum()) ** 2).sum() / (len(rows) - 1)
    spread = ((1 - shares) ** 2 / (rows - 1)).sum() / (len(rows) ** 2 - 1)
    statistic = between / (1 + 2 * (len(rows) - 2) * spread)
    return float(special.fdtrc(len(rows) - 1, 1 / (3 * spread), statistic))
