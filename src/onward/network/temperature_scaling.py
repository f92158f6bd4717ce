"""Temperature scaling, which calibrates probabilities."""

import math
from collections.abc import Callable

from torch import Tensor

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]

PRIOR_SPREAD = 0.5  # standard deviation of log(temperature): 95 % are between 0.38 and 2.7
LOWEST, HIGHEST = 0.05, 20.0
STEPS = 60  # of golden-section search: the bracket shrinks to 1e-12 of itself


def temperature(
    loss: Loss, scores: Tensor, targets: Tensor, weights: Tensor | None = None
) -> float:
    """The temperature to divide the scores by, fitted on the validation rows.

    A normal prior on the logarithm of the temperature keeps it near 1 with few rows, or with rows
    that the scores separate, and has little effect with many. If all rows have the same class, the
    result is 1. The objective is unimodal in the logarithm, so a golden-section search finds the
    minimum.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.
    Differs: maximum a posteriori instead of maximum likelihood.

    Args:
        loss: mean cross-entropy of scores ``(rows, width)``, targets and weights ``(rows,)``.
        scores: of the validation rows.
        targets: codes of classes, of the same rows.
        weights: of the same rows, if they have any.
    """
    if bool((targets == targets[0]).all()):
        return 1.0
    scores = scores.double()
    factor = _effective_rows(len(targets), weights)

    def objective(log_temperature: float) -> float:
        likelihood = factor * loss(scores / math.exp(log_temperature), targets, weights).item()
        return likelihood + (log_temperature / PRIOR_SPREAD) ** 2 / 2

    return math.exp(_minimum(objective, math.log(LOWEST), math.log(HIGHEST)))


def _effective_rows(rows: int, weights: Tensor | None) -> float:
    """The effective sample size (Kish 1965)."""
    if weights is None:
        return float(rows)
    return float(weights.sum() * rows / weights.square().sum())


def _minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """The minimum of a unimodal function between two numbers."""
    golden = (5**0.5 - 1) / 2
    for _ in range(STEPS):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if function(left) < function(right):
            high = right
        else:
            low = left
    return (low + high) / 2
