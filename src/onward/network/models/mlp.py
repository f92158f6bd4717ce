"""Multi-layer perceptron."""

from itertools import pairwise
from typing import ClassVar, Literal

from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onward.network.models._base import Depth, Model
from onward.network.models._dropout import Dropout
from onward.settings.search_space import Interval, Ranges


class Mlp(Model):
    """``depth`` blocks of linear, ReLU and dropout, then one linear layer.

    Source of the search space: Gorishniy et al. 2025, "TabM: Advancing Tabular Deep Learning With
    Parameter-Efficient Ensembling", the tuning configs of the authors' code. Differs: few widths,
    so that trials share one; learning rates up to those of our defaults.
    """

    class Config(Model.Config):
        """Width, number of blocks, and dropout."""

        type: Literal["mlp"] = "mlp"
        width: PositiveInt = 256
        depth: Depth = 3
        dropout: float = Field(0.1, ge=0.0, lt=1.0)

    search_space: ClassVar[Ranges] = {
        "width": (64, 128, 256, 384, 512),
        "depth": Interval(low=1, high=5),
        "dropout": Interval(low=0.0, high=0.5, or_zero=True),
    }
    learner_search_space: ClassVar[Ranges] = {
        "learning_rate": Interval(low=1e-4, high=8e-3, log=True),
        "weight_decay": Interval(low=1e-4, high=1e-1, log=True, or_zero=True),
    }
    input_weights = {"blocks.0.0.weight": 1}

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
