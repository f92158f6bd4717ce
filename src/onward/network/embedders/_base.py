"""Base class of embedders."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from onward.blocks import NUMERICAL, Block
from onward.settings.family import Family, Settings
from onward.settings.search_space import Ranges


class Embedder(nn.Module, Family, ABC):
    """Map the features of one block to inputs of the model.

    Built from its settings, its block and its widths, with empty buffers; `fit` fills them.
    """

    class Config(Settings):
        """Settings that every type has."""

    reads: ClassVar[str] = NUMERICAL
    """Name of the block."""

    search_space: ClassVar[Ranges] = {}
    """Settings that `onward tune` searches by default."""

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
        """The embedding in parts, which saves a copy when blocks are concatenated."""
        return [self(x)]
