"""Base class of models."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from onward.settings.family import Family, Settings
from onward.settings.search_space import Interval, Ranges


class Model(nn.Module, Family, ABC):
    """Maps the inputs of the embedders to the scores of the head.

    A model may be an ensemble whose members share most weights. Each member has its own scores and
    its own loss; their predictions are averaged.

    Built from its settings, the ``widths`` of its features (inputs per feature, ``sum(widths) ==
    d_in``) and the output width.
    """

    class Config(Settings):
        """Settings of every model."""

    search_space: ClassVar[Ranges] = {}
    """Settings that `onward tune` searches by default."""

    learner_search_space: ClassVar[Ranges] = {
        "learning_rate": Interval(low=1e-4, high=1e-2, log=True),
        "weight_decay": Interval(low=1e-4, high=1e-1, log=True, or_zero=True),
    }
    """The same of the optimizer: a good learning rate depends on the model."""

    ensemble_size: int = 1

    def keep(self, members: Sequence[int]) -> None:
        """Keep these members; a model that is not an ensemble has one."""

    @abstractmethod
    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows members d_out"]:
        """Map the rows, each independently."""
