"""Multi-layer perceptron."""

from itertools import pairwise
from typing import Literal

from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onward.network.models._base import Model
from onward.network.models._dropout import Dropout


class Mlp(Model):
    """``depth`` blocks of linear, ReLU and dropout, then one linear layer."""

    class Config(Model.Config):
        """Width, number of blocks, and dropout."""

        type: Literal["mlp"] = "mlp"
        width: PositiveInt = 256
        depth: PositiveInt = 3
        dropout: float = Field(0.1, ge=0.0, lt=1.0)

    def __init__(self, config: Config, widths: tuple[int, ...], d_out: int) -> None:
        super().__init__()
        sizes = [sum(widths)] + [config.width] * config.depth
        blocks = [
            nn.Sequential(nn.Linear(a, b), nn.ReLU(), Dropout(config.dropout))
            for a, b in pairwise(sizes)
        ]
        self.blocks = nn.Sequential(*blocks)
        self.out = nn.Linear(sizes[-1], d_out)

    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows 1 d_out"]:
        """Map the rows."""
        y: Tensor = self.out(self.blocks(x))
        return y[:, None]
