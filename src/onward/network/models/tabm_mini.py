"""TabM-mini: TabM with fewer parameters per member."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onward.network.models._base import Model
from onward.network.models._dropout import Dropout
from onward.network.models._ensemble import Heads, keep, scales
from onward.settings.search_space import Interval, Ranges


class TabmMini(Model):
    """``k`` MLPs that share everything but their input scales and last layers.

    Source: Gorishniy et al. 2025, "TabM: Advancing Tabular Deep Learning With Parameter-Efficient
    Ensembling", section 3.3; search space: the tuning configs of the authors' code.
    Differs: few widths, so that trials share one; learning rates up to those of our defaults.
    """

    class Config(Model.Config):
        """Members, width, number of layers, and dropout."""

        type: Literal["tabm_mini"] = "tabm_mini"
        k: PositiveInt = 16
        width: PositiveInt = 256
        depth: PositiveInt = 2
        dropout: float = Field(0.1, ge=0.0, lt=1.0)

    search_space: ClassVar[Ranges] = {
        "width": (64, 128, 256, 384, 512),
        "depth": Interval(low=1, high=4),
        "dropout": Interval(low=0.0, high=0.5, or_zero=True),
    }
    learner_search_space: ClassVar[Ranges] = {
        "learning_rate": Interval(low=1e-4, high=8e-3, log=True),
        "weight_decay": Interval(low=1e-4, high=1e-1, log=True, or_zero=True),
    }
    input_weights = {"layers.0.weight": 1}
    input_scales = {"scales": 1}

    def __init__(self, config: Config, widths: tuple[int, ...], d_out: int) -> None:
        super().__init__()
        self.ensemble_size = config.k
        self.scales = scales(config.k, widths)
        sizes = [sum(widths)] + [config.width] * (config.depth - 1)
        self.layers = nn.ModuleList(nn.Linear(size, config.width) for size in sizes)
        self.dropout = Dropout(config.dropout)
        self.out = Heads(config.k, config.width, d_out)

    def keep(self, members: Sequence[int]) -> None:
        """Keep these members."""
        self.ensemble_size = len(members)
        keep(self, members, "scales")
        keep(self.out, members, "weight", "bias")

    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows members d_out"]:
        """Map the rows."""
        x = x * self.scales[:, None]  # (members, rows, d_in)
        for layer in self.layers:
            x = self.dropout(layer(x).relu())
        y: Tensor = self.out(x)
        return y
