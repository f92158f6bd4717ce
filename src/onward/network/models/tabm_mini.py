"""TabM-mini: TabM with fewer parameters per member."""

from collections.abc import Iterable, Sequence
from typing import Literal

from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onward.network.models._base import Depth, Model
from onward.network.models._ensemble import Ensemble, Sizes, keep, scales


class TabmMini(Ensemble):
    """``k`` MLPs that share everything but their input scales and last layers.

    Source: Gorishniy et al. 2025, "TabM: Advancing Tabular Deep Learning With Parameter-Efficient
    Ensembling", section 3.3.
    """

    class Config(Model.Config):
        """Members, width, number of layers, and dropout."""

        type: Literal["tabm_mini"] = "tabm_mini"
        k: PositiveInt = 16
        width: PositiveInt = 256
        depth: Depth = 2
        dropout: float = Field(0.1, ge=0.0, lt=1.0)

    input_weights = {"layers.0.weight": 1}
    input_scales = {"scales": 1}

    def _make_layers(self, config: Sizes, widths: tuple[int, ...]) -> Iterable[nn.Module]:
        self.scales = scales(config.k, widths)
        sizes = [sum(widths)] + [config.width] * (config.depth - 1)
        return [nn.Linear(size, config.width) for size in sizes]

    def _inputs(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "_ rows d_in"]:
        return x * self.scales[:, None]  # (members, rows, d_in)

    def keep(self, members: Sequence[int]) -> None:
        """Keep these members."""
        super().keep(members)
        keep(self, members, "scales")
