"""Temperature scaling: one number that makes probabilities honest."""

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]

LOWEST, HIGHEST = 0.05, 20.0  # beyond these the validation rows are separated, not miscalibrated
STEPS = 60  # of golden-section search: the bracket shrinks to 1e-12 of itself


def temperature(
    loss: Loss, scores: Tensor, targets: Tensor, weights: Tensor | None = None
) -> float:
    """The number to divide the scores by, so that the loss is the lowest.

    The loss is unimodal in the logarithm of the temperature, so a golden-section search finds
    the minimum without gradients.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.

    Args:
        loss: mean cross-entropy of scores ``(rows, width)``, targets and weights ``(rows,)``.
        scores: of the validation rows.
        targets: of the same rows.
        weights: of the same rows, if they have any.
    """
    golden = (5**0.5 - 1) / 2
    low, high = (torch.tensor(bound).log().item() for bound in (LOWEST, HIGHEST))
    scores = scores.double()

    def at(log_temperature: float) -> float:
        return loss(scores / torch.tensor(log_temperature).exp().item(), targets, weights).item()

    for _ in range(STEPS):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if at(left) < at(right):
            high = right
        else:
            low = left
    return float(torch.tensor((low + high) / 2).exp())
