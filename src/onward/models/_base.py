"""What every network body can do."""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

from onward.family import Family, Settings


class Model(nn.Module, Family, ABC):
    """A network body: the columns' numbers in, the head's scores out.

    Built from its settings, the width of its input and the width of its output.
    """

    class Config(Settings):
        """Settings every body has."""

    @abstractmethod
    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows d_out"]:
        """Map the rows; none sees another."""
