"""Periodic embeddings with learned frequencies."""

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from onward.blocks import Block
from onward.network.embedders._base import Adopted, Embedder, taken
from onward.settings.search_space import Interval, Ranges


class Periodic(Embedder):
    """Cosines and sines of each number, then one linear map per number and ReLU.

    Source: Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning",
    section 3.3, there called PLR, and its search space. Differs: initial frequencies are truncated
    at three times ``spread``; weights are angular frequencies, which saves a multiplication.
    """

    class Config(Embedder.Config):
        """``frequencies`` per number, their initial ``spread``, and the ``width`` of the vector."""

        type: Literal["periodic"] = "periodic"
        frequencies: PositiveInt = 48
        spread: PositiveFloat = 1.0  # waves in one unit of a feature; worth trying a few
        width: PositiveInt = 24

    search_space: ClassVar[Ranges] = {
        "frequencies": Interval(low=16, high=96, step=16),
        "spread": Interval(low=0.01, high=100.0, log=True),
        "width": Interval(low=8, high=32, step=4),
    }

    def __init__(self, config: Config, block: Block, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.widths, features = widths, len(widths)
        waves = torch.empty(features, 1, config.frequencies)
        nn.init.trunc_normal_(waves, std=config.spread, a=-3 * config.spread, b=3 * config.spread)
        self.frequencies = nn.Parameter(2 * math.pi * waves)
        bound = (2 * config.frequencies) ** -0.5
        weight = torch.empty(features, 2 * config.frequencies, config.width)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(features, 1, config.width).uniform_(-bound, bound))

    @classmethod
    def fit(
        cls, config: Config, block: Block, features: Float[Tensor, "rows features"]
    ) -> "Periodic":
        """Nothing to fit before training."""
        return cls(config, block, (config.width,) * len(block.owners))

    def adopt(self, trained: "Periodic", sources: Sequence[int | None]) -> Adopted:
        """Frequencies and weights of each number."""
        with torch.no_grad():
            for name, own in self.named_parameters():
                own.copy_(taken(trained.get_parameter(name), own, sources))
        return Adopted(self, tuple(sources))

    def forward(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows width"]:
        """Embed the rows."""
        angle = x.T[:, :, None] * self.frequencies  # (features, rows, frequencies)
        waves = torch.cat([angle.cos(), angle.sin()], 2)
        y = torch.baddbmm(self.bias, waves, self.weight).relu()  # (features, rows, width)
        return y.transpose(0, 1).flatten(1)
