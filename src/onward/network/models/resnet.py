"""Residual network."""

from typing import ClassVar, Literal

from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onward.network.models._base import Depth, Model
from onward.network.models._dropout import Dropout
from onward.settings.search_space import Interval, Ranges


class Resnet(Model):
    """``depth`` residual blocks between two linear layers.

    Source: Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data", section 3.2,
    and its search space.
    Differs: layer norm instead of batch norm, so rows of a batch are independent; few widths, so
    that trials share one.
    """

    class Config(Model.Config):
        """A block is twice as wide inside. ``dropout`` applies inside a block."""

        type: Literal["resnet"] = "resnet"
        width: PositiveInt = 192
        depth: Depth = 4
        dropout: float = Field(0.2, ge=0.0, lt=1.0)

    search_space: ClassVar[Ranges] = {
        "width": (64, 128, 192, 256, 384, 512),
        "depth": Interval(low=1, high=8),
        "dropout": Interval(low=0.0, high=0.5, or_zero=True),
    }
    learner_search_space: ClassVar[Ranges] = {
        "learning_rate": Interval(low=1e-5, high=1e-2, log=True),
        "weight_decay": Interval(low=1e-6, high=1e-3, log=True, or_zero=True),
    }
    input_weights = {"stem.weight": 1}

    def __init__(self, config: Config, widths: tuple[int, ...], d_out: int) -> None:
        super().__init__()
        self.stem = nn.Linear(sum(widths), config.width)
        self.blocks = nn.ModuleList(_block(config) for _ in range(config.depth))
        self.out = nn.Sequential(
            nn.LayerNorm(config.width), nn.ReLU(), nn.Linear(config.width, d_out)
        )

    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows 1 d_out"]:
        """Map the rows."""
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        y: Tensor = self.out(x)
        return y[:, None]


def _block(config: Resnet.Config) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(config.width),
        nn.Linear(config.width, 2 * config.width),
        nn.ReLU(),
        Dropout(config.dropout),
        nn.Linear(2 * config.width, config.width),
    )
