"""MLPs that share weights, and the parts that each of them has separately."""

import math
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from onward.network.models._base import Model
from onward.network.models._dropout import Dropout
from onward.settings.search_space import Interval, Ranges


@runtime_checkable
class Sizes(Protocol):
    """Settings of an ensemble of MLPs."""

    @property
    def k(self) -> int:
        """Number of members."""

    @property
    def width(self) -> int:
        """Outputs of each layer."""

    @property
    def depth(self) -> int:
        """Number of layers."""

    @property
    def dropout(self) -> float:
        """Share of the outputs that are dropped."""


class Ensemble(Model):
    """Base class of ensembles of MLPs.

    Search space: the tuning configs of the code of TabM's authors. Differs: few widths, so that
    trials share one; learning rates up to those of our defaults.
    """

    search_space: ClassVar[Ranges] = {
        "width": (64, 128, 256, 384, 512),
        "depth": Interval(low=1, high=4),
        "dropout": Interval(low=0.0, high=0.5, or_zero=True),
    }
    learner_search_space: ClassVar[Ranges] = {
        "learning_rate": Interval(low=1e-4, high=8e-3, log=True),
        "weight_decay": Interval(low=1e-4, high=1e-1, log=True, or_zero=True),
    }

    def __init__(self, config: Sizes, widths: tuple[int, ...], d_out: int) -> None:
        super().__init__()
        self.ensemble_size = config.k
        self.layers = nn.ModuleList(self._make_layers(config, widths))
        self.dropout = Dropout(config.dropout)
        self.out = Heads(config.k, config.width, d_out)

    @abstractmethod
    def _make_layers(self, config: Sizes, widths: tuple[int, ...]) -> Iterable[nn.Module]:
        """The layers before the heads."""

    @abstractmethod
    def _inputs(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "*members rows d_in"]:
        """The inputs of each member, or those that are the same for all."""

    def keep(self, members: Sequence[int]) -> None:
        """Keep these members."""
        self.ensemble_size = len(members)
        keep(self.out, members, "weight", "bias")

    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows members d_out"]:
        """Map the rows."""
        x = self._inputs(x)
        for layer in self.layers:
            x = self.dropout(layer(x).relu())
        y: Tensor = self.out(x)
        return y


class Heads(nn.Module):
    """One linear layer per member."""

    def __init__(self, members: int, d_in: int, d_out: int) -> None:
        super().__init__()
        self.weight = uniform(d_in, members, d_in, d_out)
        self.bias = uniform(d_in, members, d_out)

    def forward(self, x: Float[Tensor, "members rows d_in"]) -> Float[Tensor, "rows members d_out"]:
        """Map the features of each member."""
        if torch.compiler.is_exporting() and self.weight.shape[2] == 1:
            # onnxruntime takes four times as long for a product of tiny matrices
            y = (x * self.weight.mT).sum(2, keepdim=True) + self.bias[:, None]
            return y.transpose(0, 1)
        y = torch.baddbmm(self.bias[:, None], x, self.weight)  # (members, rows, d_out)
        return y.transpose(0, 1)


def keep(module: nn.Module, members: Sequence[int], *names: str) -> None:
    """Keep these members (indices in axis 0) of the weights with these names."""
    for name in names:
        module.register_parameter(name, nn.Parameter(module.get_parameter(name)[members]))


def uniform(d_in: int, *size: int) -> nn.Parameter:
    """Weights as in PyTorch's own linear layer with ``d_in`` inputs."""
    bound = 1 / math.sqrt(d_in)
    return nn.Parameter(torch.empty(size).uniform_(-bound, bound))


def scales(members: int, widths: tuple[int, ...]) -> nn.Parameter:
    """Initial input scales, which make the members differ.

    A plain number gets a random sign; a feature with several inputs gets one normal factor for all
    of them, as the authors of TabM recommend without and with embeddings.
    """
    counts = torch.tensor(widths)
    normal = torch.randn(members, len(widths))
    factors = torch.where(counts > 1, normal, normal.sign())
    return nn.Parameter(factors.repeat_interleave(counts, 1))  # (members, d_in)
