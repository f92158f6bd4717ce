"""Base class of embedders."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from onward.blocks import NUMERICAL, Block
from onward.errors import ConfigError
from onward.settings.family import Family, Settings
from onward.settings.search_space import Ranges


class Reader(nn.Module, ABC):
    """Maps the features of one block to inputs of the model."""

    @abstractmethod
    def parts(self, x: Shaped[Tensor, "rows features ..."]) -> list[Tensor]:
        """The inputs ``(rows, width)``, in parts to be concatenated with those of other blocks."""


class Embedder(Reader, Family, ABC):
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

    def adopt(self, trained: Any, sources: Sequence[int | None]) -> "Adopted":
        """This embedder with what a trained one of the same settings has learned.

        By default the trained one itself, if the features are the same.

        Args:
            trained: for the same block of another network.
            sources: for each feature its index in the trained embedder; None if it has no such
                feature.

        Raises:
            ConfigError: if the type cannot add, remove or reorder features.
        """
        if list(sources) != list(range(len(sources))) or trained.widths != self.widths:
            raise ConfigError(
                f"prepare.start_from: the embedder {type(self).__name__} of the block"
                f" {self.reads!r} cannot start with other features than it was trained with."
                " Remove start_from, or keep the columns"
            )
        return Adopted(trained, tuple(range(len(self.widths))))

    def parts(self, x: Shaped[Tensor, "rows features ..."]) -> list[Tensor]:
        """The embedding, whole unless a type has parts."""
        return [self(x)]

    def for_export(self) -> Reader:
        """The same, of operators that are fast for a single row."""
        return self


@dataclass(frozen=True)
class Adopted:
    """An embedder that has adopted what a trained one has learned."""

    embedder: Embedder
    sources: tuple[int | None, ...]
    """For each of its ``widths`` the index in those of the trained one; None for a new feature."""


def taken(trained: Tensor, untrained: Tensor, sources: Sequence[int | None]) -> Tensor:
    """For each feature the entry of the trained tensor, or of the untrained one if it has none.

    Args:
        trained: ``(features, ...)``.
        untrained: ``(features, ...)``, in the order of the result.
        sources: for each feature its index in the trained tensor.
    """
    parts = [untrained[i] if s is None else trained[s] for i, s in enumerate(sources)]
    return torch.stack(parts) if parts else untrained
