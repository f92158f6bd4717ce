"""Cross-entropy and focal loss."""

from jaxtyping import Float
from torch import Tensor


def focal_losses(
    of_truth: Float[Tensor, " rows"], of_rest: Float[Tensor, " rows"], gamma: float
) -> Float[Tensor, " rows"]:
    """The focal loss of each row, in nats; with ``gamma`` 0 it is the cross-entropy.

    Source: Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 4. Differs: ``(1 - p)
    ** gamma`` is computed from the logarithm of ``1 - p``, so its gradient is finite at ``p`` = 1.

    Args:
        of_truth: logarithm of the probability of the true class.
        of_rest: logarithm of that of all others together.
        gamma: the focusing parameter.
    """
    return -(gamma * of_rest).exp() * of_truth
