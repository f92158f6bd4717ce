"""Base class of models."""

from abc import ABC, abstractmethod
from collections.abc import Container, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from onward.errors import ConfigError
from onward.settings.family import Family, Settings
from onward.settings.search_space import Interval, Ranges

Depth = Annotated[int, Field(gt=0, le=1000)]
"""Layers or blocks; the bound ends no search, but a config that would build them for ever."""


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

    input_weights: ClassVar[Mapping[str, int]] = {}
    """Weights of the first layer by name, with the axis that has one entry per input."""
    input_scales: ClassVar[Mapping[str, int]] = {}
    """Other weights that have such an axis."""

    def keep(self, members: Sequence[int]) -> None:
        """Keep these members; a model that is not an ensemble has one."""

    def start_from(self, trained: Any, sources: Sequence[int | None]) -> None:
        """Copy the weights of a trained model of the same settings.

        New inputs get weights of 0 in the first layer, so that they have no effect at first.

        Args:
            trained: the model.
            sources: for each input its index in the trained model; None for a new one.

        Raises:
            ConfigError: if the inputs differ and the type does not declare ``input_weights``.
        """
        if list(sources) != list(range(len(sources))) and not self.input_weights:
            raise ConfigError(
                f"prepare.start_from: the model {type(self).__name__} does not declare"
                " `input_weights`, so it cannot start with other inputs than it was trained with."
                " Remove start_from, or keep the columns"
            )
        copy_weights(self, trained, {*self.input_weights, *self.input_scales})
        pairs = [(i, source) for i, source in enumerate(sources) if source is not None]
        new, old = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).unbind(1)
        with torch.no_grad():
            for name, axis in {**self.input_scales, **self.input_weights}.items():
                weight = self.get_parameter(name)
                if name in self.input_weights:
                    weight.zero_()
                weight.index_copy_(axis, new, trained.get_parameter(name).index_select(axis, old))

    @abstractmethod
    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows members d_out"]:
        """Map the rows, each independently."""


def copy_weights(model: nn.Module, trained: nn.Module, except_: Container[str]) -> None:
    """Copy the weights and buffers of a trained module, but for those named."""
    theirs = trained.state_dict()
    for name, weight in model.state_dict().items():
        if name not in except_:
            weight.copy_(theirs[name])
