"""One linear layer: the baseline."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from onward.network.models._base import Model


class Linear(Model):
    """Linear or logistic regression on the features."""

    class Config(Model.Config):
        """No settings."""

        type: Literal["linear"] = "linear"

    input_weights = {"out.weight": 1}

    def __init__(self, config: Config, widths: tuple[int, ...], d_out: int) -> None:
        super().__init__()
        self.out = nn.Linear(sum(widths), d_out)

    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows 1 d_out"]:
        """Map the rows."""
        y: Tensor = self.out(x)
        return y[:, None]
