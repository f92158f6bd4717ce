"""What every embedder can do."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from onward.blocks import NUMERICAL, Block
from onward.settings.family import Family, Settings


class Embedder(nn.Module, Family, ABC):
    """Turns the features of one block into the inputs of a body.

    Built from its settings, its block and its widths, with empty buffers; `fit` builds and fills
    it.
    """

    class Config(Settings):
        """Settings that every type has."""

    reads: ClassVar[str] = NUMERICAL
    """Name of the block."""

    widths: tuple[int, ...]
    """For each input feature of the body how many numbers it has, side by side; ``width`` is their
    sum. An embedder may make one feature of several, such as one text of its tokens."""

    @classmethod
    @abstractmethod
    def fit(
        cls, config: Any, block: Block, features: Shaped[Tensor, "rows features ..."]
    ) -> "Embedder":
        """Learn from the features of the training rows."""

    @abstractmethod
    def forward(self, x: Shaped[Tensor, "rows features ..."]) -> Float[Tensor, "rows width"]:
        """Embed the rows."""

    def parts(self, x: Shaped[Tensor, "rows features ..."]) -> list[Tensor]:
        """The same in pieces, which spares a copy where they are joined with other blocks."""
        return [self(x)]
