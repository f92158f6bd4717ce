"""Cross-entropy, and the loss that looks less at rows which are already right."""

from jaxtyping import Float
from torch import Tensor


def focused(
    of_truth: Float[Tensor, " rows"], of_rest: Float[Tensor, " rows"], gamma: float
) -> Float[Tensor, " rows"]:
    """The focal loss of each row, in nats; with ``gamma`` 0 it is the cross-entropy.

    Source: Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 4.
    Differs: ``(1 - p) ** gamma`` is made from the logarithm of ``1 - p``, so that its gradient is
    a number where ``p`` is 1.

    Args:
        of_truth: logarithm of the probability of the true class.
        of_rest: logarithm of that of all others together.
        gamma: how little the rows count that are already right.
    """
    return -(gamma * of_rest).exp() * of_truth
