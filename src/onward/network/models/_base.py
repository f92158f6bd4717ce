"""What every network body can do."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from onward.settings.family import Family, Settings


class Model(nn.Module, Family, ABC):
    """A network body: the numbers of the features in, the head's scores out.

    A body may be an ensemble, whose members share most of their weights; each gives scores of its
    own, learns alone, and they predict together.

    Built from its settings, the ``widths`` of its features (how many inputs in a row each one
    has, ``sum(widths) == d_in``) and the width of its output.
    """

    class Config(Settings):
        """Settings every body has."""

    ensemble_size: int = 1

    def keep(self, members: Sequence[int]) -> None:
        """Forget all other members; a body that is no ensemble has no others."""

    @abstractmethod
    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows members d_out"]:
        """Map the rows; none sees another."""
