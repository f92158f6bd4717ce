"""What every trained network offers: named predictions from features."""

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from onward.blocks import Blocks
from onward.network.heads import Head


@dataclass(frozen=True)
class Shape:
    """Blocks and outputs of a network."""

    blocks: Blocks
    classes: int
    """0 where the target is a number."""


class Scoring(nn.Module, ABC):
    """Features in, named predictions out: one network, or several as one."""

    shape: Shape
    head: Head
    out_of_fold: Tensor | None = None
    """Of networks trained on folds: the scores of the training rows, then the validation rows, each
    by the network that did not learn from it, ``(rows, width)``."""

    @property
    @abstractmethod
    def ensemble_size(self) -> int:
        """The number of members whose predictions are averaged."""

    @abstractmethod
    def member_scores(
        self, features: Mapping[str, Shaped[Tensor, "rows ..."]]
    ) -> Float[Tensor, "rows members width"]:
        """The scores of each member, from the features of each block."""

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """Numbers, texts and tensors that restore it."""

    def scores(
        self, features: Mapping[str, Shaped[Tensor, "rows ..."]]
    ) -> Float[Tensor, "rows width"]:
        """The combined scores of all members, which the head reads."""
        scores = self.member_scores(features)
        return self.head.together(scores) if self.ensemble_size > 1 else scores[:, 0]

    def forward(self, features: Mapping[str, Shaped[Tensor, "rows ..."]]) -> dict[str, Tensor]:
        """Predictions, one tensor of shape ``(rows, ...)`` for each name."""
        predictions: dict[str, Tensor] = self.head(self.scores(features))
        return predictions

    def dump(self, refitted: "Scoring | None" = None) -> bytes:
        """The network as a file for `load_network`.

        Args:
            refitted: the same network after a second training, for `load_refitted`.
        """
        file, content = io.BytesIO(), self.content()
        if refitted is not None:
            content["refitted"] = refitted.content()
        torch.save(content, file)
        return file.getvalue()
