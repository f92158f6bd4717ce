"""No embedding."""

from collections.abc import Sequence
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from onward.blocks import Block
from onward.network.embedders._base import Adopted, Embedder


class Identity(Embedder):
    """The numbers, unchanged."""

    class Config(Embedder.Config):
        """No settings."""

        type: Literal["identity"] = "identity"

    def __init__(self, config: Config, block: Block, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.widths = widths

    @classmethod
    def fit(
        cls, config: Config, block: Block, features: Float[Tensor, "rows features"]
    ) -> "Identity":
        """Nothing to fit."""
        return cls(config, block, (1,) * len(block.owners))

    def adopt(self, trained: "Identity", sources: Sequence[int | None]) -> Adopted:
        """Nothing is learned."""
        return Adopted(self, tuple(sources))

    def forward(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows width"]:
        """Return the rows."""
        return x
