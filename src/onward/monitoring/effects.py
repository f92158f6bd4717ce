"""The distance of two histograms, and tests whether it is more than negligible.

The distance is Cohen's w, which does not grow with the number of rows: 0.1 is small, 0.3 medium,
0.5 large.

Source: Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences", chapter 7.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

Array = np.ndarray

BLOCKS = 20  # of the training rows, in order
LEAST_BLOCK = 200  # rows, as in a window; smaller blocks differ by chance
SIDES = (0.025, 0.975)
RATE = 0.05  # of false discoveries


def statistic(counts: Array, reference: Array) -> tuple[Array, Array]:
    """Pearson's chi-square of two histograms, and its degrees of freedom.

    Args:
        counts: ``(..., bins)`` of the new rows.
        reference: ``(..., bins)`` of the training rows.
    """
    rows, others = counts.sum(-1, keepdims=True), reference.sum(-1, keepdims=True)
    total = counts + reference
    is_used = total > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.sqrt(others / rows) * counts - np.sqrt(rows / others) * reference
        terms = np.where(is_used, difference**2 / total, 0.0)
    return terms.sum(-1), is_used.sum(-1) - 1


def squared_effect(counts: Array, reference: Array) -> Array:
    """Cohen's w squared, without the bias of sampling; may be negative."""
    chi_squared, freedom = statistic(counts, reference)
    squared: Array = (chi_squared - freedom) / _size(counts, reference)
    return squared


def p_value(counts: Array, reference: Array, negligible: Array | float) -> Array:
    """The p-value of the hypothesis that w is at most ``negligible``.

    With 0 it is the usual chi-square test of homogeneity.
    """
    chi_squared, freedom = statistic(counts, reference)
    return _survival(chi_squared, freedom, negligible**2 * _size(counts, reference))


def spread_of_blocks(blocks: Array) -> float:
    """The root mean square of w between each block of rows and all others.

    Args:
        blocks: ``(blocks, bins)`` counts.
    """
    if len(blocks) < 2:
        return 0.0
    others = blocks.sum(0) - blocks
    return float(np.sqrt(max(0.0, float(squared_effect(blocks, others).mean()))))


@dataclass(frozen=True)
class Effect:
    """Cohen's w with its 95 % interval."""

    value: float
    lower: float
    upper: float


def effect(counts: Array, reference: Array) -> Effect:
    """The distance of two histograms."""
    chi_squared, freedom = statistic(counts, reference)
    if freedom < 1:
        return Effect(0.0, 0.0, 0.0)
    size = float(_size(counts, reference))
    # the noncentralities at which the statistic is the quantile of each share; 0 if it is below
    has_solution = special.chdtr(freedom, chi_squared) > SIDES
    upper, lower = np.where(has_solution, special.chndtrinc(chi_squared, freedom, SIDES), 0.0)
    value = max(0.0, float(chi_squared - freedom))
    return Effect(*(float(np.sqrt(part / size)) for part in (value, lower, upper)))


def discoveries(p_values: Array, rate: float = RATE) -> Array:
    """The significant tests, with an expected share of false ones of at most ``rate``.

    Source: Benjamini and Hochberg 1995, "Controlling the False Discovery Rate".
    """
    is_discovery: Array = q_values(p_values) <= rate
    return is_discovery


def q_values(p_values: Array) -> Array:
    """The smallest false discovery rate at which each test is significant."""
    order = np.argsort(p_values, axis=-1)
    number = p_values.shape[-1]
    scaled = np.take_along_axis(p_values, order, -1) * number / np.arange(1, number + 1)
    ordered = np.minimum.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1]
    q: Array = np.empty_like(ordered)
    np.put_along_axis(q, order, np.minimum(ordered, 1.0), -1)
    return q


def _size(counts: Array, reference: Array) -> Array:
    rows, others = counts.sum(-1), reference.sum(-1)
    size: Array = np.maximum(rows * others / np.maximum(rows + others, 1), 1e-9)
    return size


def _survival(chi_squared: Array, freedom: Array, noncentrality: Array) -> Array:
    # of a distribution object of scipy.stats a call takes a hundred times as long, and its import
    # a second
    at_least_one = np.maximum(freedom, 1)
    chance: Array = np.where(
        noncentrality > 0,
        1 - special.chndtr(chi_squared, at_least_one, noncentrality),
        special.chdtrc(at_least_one, chi_squared),
    )
    return np.where(freedom < 1, 1.0, chance)
