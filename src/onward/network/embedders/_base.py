"""What every embedder of numbers can do."""

from abc import ABC, abstractmethod
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from onward.settings.family import Family, Settings


class Embedder(nn.Module, Family, ABC):
    """Makes more of each number than one input of a linear layer.

    Built from its settings and its widths, with empty buffers; `fit` builds and fills it.
    """

    class Config(Settings):
        """Settings that every type has."""

    widths: tuple[int, ...]
    """How many numbers stand for each feature, side by side; ``width`` is their sum."""

    @classmethod
    @abstractmethod
    def fit(cls, config: Any, features: Float[Tensor, "rows features"]) -> "Embedder":
        """Learn from the features of the training rows."""

    @abstractmethod
    def forward(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows width"]:
        """Embed the rows."""
