"""TabM: an ensemble of MLPs in one network."""

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onward.network.models._base import Depth, Model
from onward.network.models._ensemble import Ensemble, Sizes, keep, scales, uniform


class Tabm(Ensemble):
    """``k`` MLPs that share their weight matrices.

    Each member has its own scales for the inputs and outputs of each linear layer, its own biases
    and its own last layer.

    Source: Gorishniy et al. 2025, "TabM: Advancing Tabular Deep Learning With Parameter-Efficient
    Ensembling", section 3.3.
    """

    class Config(Model.Config):
        """Members, width, number of layers, and dropout."""

        type: Literal["tabm"] = "tabm"
        k: PositiveInt = 16
        width: PositiveInt = 256
        depth: Depth = 2
        dropout: float = Field(0.1, ge=0.0, lt=1.0)

    input_weights = {"layers.0.weight": 0}
    input_scales = {"layers.0.before": 1}

    def _make_layers(self, config: Sizes, widths: tuple[int, ...]) -> Iterable[nn.Module]:
        ones = [nn.Parameter(torch.ones(config.k, config.width)) for _ in range(config.depth - 1)]
        return [_Shared(scale, config.width) for scale in (scales(config.k, widths), *ones)]

    def _inputs(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "*members rows d_in"]:
        return x  # the same for all members

    def keep(self, members: Sequence[int]) -> None:
        """Keep these members."""
        super().keep(members)
        for layer in self.layers:
            keep(layer, members, "before", "after", "bias")


class _Shared(nn.Module):
    """A shared linear layer with input scales, output scales and biases per member (equation 1)."""

    def __init__(self, before: nn.Parameter, d_out: int) -> None:
        super().__init__()
        members, d_in = before.shape
        self.weight = uniform(d_in, d_in, d_out)
        self.before, self.after = before, nn.Parameter(torch.ones(members, d_out))
        self.bias = nn.Parameter(uniform(d_in, d_out).detach().repeat(members, 1))
        # rows up to which a member has fewer inputs and outputs to scale than weights
        self._few = d_in * d_out / (d_in + d_out)

    def forward(self, x: Float[Tensor, "*_ rows d_in"]) -> Float[Tensor, "members rows d_out"]:
        """Map the features of each member, or those that are the same for all."""
        before, after, bias = self.before[:, None], self.after[:, None], self.bias[:, None]
        if torch.compiler.is_exporting() or x.shape[-2] <= self._few:
            return x * before @ self.weight * after + bias
        scale = torch.bmm(before.mT, after)
        weight = scale * self.weight.to(scale)  # (members, d_in, d_out)
        return torch.baddbmm(bias, x.expand(len(weight), -1, -1), weight)
