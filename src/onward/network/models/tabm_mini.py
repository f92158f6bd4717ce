"""TabM-mini: TabM with fewer parameters per member."""

from collections.abc import Sequence
from typing import Literal

from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onward.network.models._base import Model
from onward.network.models._dropout import Dropout
from onward.network.models._ensemble import Heads, keep, scales


class TabmMini(Model):
    """``k`` MLPs that share everything but their input scales and last layers.

    Source: Gorishniy et al. 2025, "TabM: Advancing Tabular Deep Learning With Parameter-Efficient
    Ensembling", section 3.3.
    """

    class Config(Model.Config):
        """Members, width, number of layers, and dropout."""

        type: Literal["tabm_mini"] = "tabm_mini"
        k: PositiveInt = 16
        width: PositiveInt = 256
        depth: PositiveInt = 2
        dropout: float = Field(0.1, ge=0.0, lt=1.0)

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
