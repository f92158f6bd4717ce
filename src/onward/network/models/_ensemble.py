"""Parts of ensembles that each member has separately."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Heads(nn.Module):
    """One linear layer per member."""

    def __init__(self, members: int, d_in: int, d_out: int) -> None:
        super().__init__()
        self.weight = uniform(d_in, members, d_in, d_out)
        self.bias = uniform(d_in, members, d_out)

    def forward(self, x: Float[Tensor, "members rows d_in"]) -> Float[Tensor, "rows members d_out"]:
        """Map the features of each member."""
        y = torch.baddbmm(self.bias[:, None], x, self.weight)  # (members, rows, d_out)
        return y.transpose(0, 1)


def keep(module: nn.Module, members: Sequence[int], *names: str) -> None:
    """Keep these members (indices in axis 0) of the weights with these names."""
    for name in names:
        module.register_parameter(name, nn.Parameter(module.get_parameter(name)[members]))


def uniform(d_in: int, *size: int) -> nn.Parameter:
    """Weights as in PyTorch's own linear layer with ``d_in`` inputs."""
    bound = 1 / math.sqrt(d_in)
    return nn.Parameter(torch.empty(size).uniform_(-bound, bound))


def scales(members: int, widths: tuple[int, ...]) -> nn.Parameter:
    """Initial input scales, which make the members differ.

    A plain number gets a random sign; a feature with several inputs gets one normal factor for all
    of them, as the authors of TabM recommend without and with embeddings.
    """
    counts = torch.tensor(widths)
    normal = torch.randn(members, len(widths))
    each = torch.where(counts > 1, normal, normal.sign())
    return nn.Parameter(each.repeat_interleave(counts, 1))  # (members, d_in)
