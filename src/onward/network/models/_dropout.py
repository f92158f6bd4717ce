"""Dropout."""

import torch
from jaxtyping import Float, Int16
from torch import Tensor, nn

LEVELS = 2**16  # of a 16-bit integer


class Dropout(nn.Module):
    """Sets the share ``p`` of the inputs to zero in training and scales up the others.

    Differs from PyTorch's: on a CPU one draw of 64 bits decides about four inputs, and nothing is
    a boolean, which is slow. That takes a fifth of the time; dropout took a third of a step.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.dropped = dropped_levels(p)

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Drop some of the inputs."""
        if not self.training or not self.dropped:
            return x
        if not x.is_cpu:
            return nn.functional.dropout(x, self.p)
        levels = random_levels(x)
        highest = self.dropped - LEVELS // 2 - 1  # that is dropped
        kept = levels.clamp(highest, highest + 1) - highest  # 0 or 1
        return x * kept.to(x.dtype).mul_(1 / (1 - self.p))


def dropped_levels(p: float) -> int:
    """How many of the levels are dropped, which are the lowest."""
    return min(round(p * LEVELS), LEVELS - 1)


def random_levels(x: Float[Tensor, "*shape"]) -> Int16[Tensor, "*shape"]:
    """A level for each input."""
    draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
    return draws.random_(-(2**63), None).view(torch.int16)[: x.numel()].view(x.shape)
