"""Significance tests."""

import numpy as np
from scipy import special

from onward.tasks.metrics import Array

FALSE_DISCOVERY_RATE = 0.05  # expected share of false alarms among significant results
NORMAL_SKEWNESS = 1e-3  # skewness; with less, a gamma distribution is normal up to rounding
NORMAL_95 = 1.959964  # half-width of a 95 % interval in standard errors


def false_discovery_rates(chances: Array) -> Array:
    """False discovery rates from p-values: the lowest rate at which each is significant.

    Valid for independent and for positively dependent tests, such as those of overlapping slices.

    Source: Benjamini and Hochberg 1995, "Controlling the False Discovery Rate"; for dependent
    tests Benjamini and Yekutieli 2001, "The control of the false discovery rate in multiple
    testing under dependency".

    Example:
        >>> false_discovery_rates(np.array([0.01, 0.04, 0.03, 0.5])).round(3).tolist()
        [0.04, 0.053, 0.053, 0.5]
    """
    order = np.argsort(-chances, kind="stable")
    ranks = np.arange(len(chances), 0, -1)
    rates = np.empty(len(chances))
    rates[order] = np.minimum.accumulate(chances[order] * len(chances) / ranks).clip(max=1)
    return rates


def exceeds(values: Array, codes: Array, groups: int) -> Array:
    """P-values of a permutation test: is the mean of each group higher than in random groups?

    A gamma distribution with the exact mean, variance and skewness approximates the permutation
    distribution. Unlike a t-test it does not need many rows if the
    values are skewed, as losses are.

    Source: Mielke and Berry 2007, "Permutation Methods", with the Pearson type III distribution.

    Args:
        values: of each row.
        codes: group of each row; rows with -1 are compared with, but form no group.
        groups: number of groups.
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
    drawn = variance > 0  # else all rows are in the group, or no row is
    deviation = np.sqrt(np.where(drawn, variance, 1))
    return np.where(drawn, _upper_tail(sums / deviation, third / deviation**3), 1.0)


def _upper_tail(values: Array, skewness: Array) -> Array:
    """Upper tail of a Pearson type III distribution with mean 0 and variance 1."""
    is_normal = np.abs(skewness) < NORMAL_SKEWNESS
    size = np.where(is_normal, 1, np.abs(skewness))
    shape = 4 / size**2
    # a gamma variable of this shape, shifted and scaled; mirrored for negative skewness
    gamma = (shape + np.sign(skewness) * values * np.sqrt(shape)).clip(min=0)
    tail = np.where(skewness > 0, special.gammaincc(shape, gamma), special.gammainc(shape, gamma))
    return np.where(is_normal, special.ndtr(-values), tail)  # type: ignore[no-any-return]


def differ(rows: Array, means: Array, variances: Array) -> float:
    """P-value of Welch's test: are the means of all groups equal?

    Groups may have unequal variances, as residuals of probabilities do.

    Source: Welch 1951, "On the comparison of several mean values: an alternative approach".

    Args:
        rows: of each group; at least two.
        means: of each group.
        variances: of the values of each group; positive.
    """
    if len(rows) < 2:
        return 1.0
    weights = rows / variances
    shares = weights / weights.sum()
    between = (weights * (means - (shares * means).sum()) ** 2).sum() / (len(rows) - 1)
    spread = ((1 - shares) ** 2 / (rows - 1)).sum() / (len(rows) ** 2 - 1)
    statistic = between / (1 + 2 * (len(rows) - 2) * spread)
    return float(special.fdtrc(len(rows) - 1, 1 / (3 * spread), statistic))
