"""What every task head can do."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from onward.family import Family, Settings
from onward.schema import Kind


class Head(nn.Module, Family, ABC):
    """A task: how many scores it needs, its loss, and what it predicts.

    What it learned from the targets lives in buffers and is undone in `forward`, so the
    predictions have the target's own unit.

    Built from its settings and the number of classes, which is 0 where the target is a number.
    Targets are class codes (int64) or numbers (float64), as ``prepare`` wrote them.
    """

    class Config(Settings):
        """Settings that every type has."""

    kind: ClassVar[Kind]
    """What the targets are."""

    examples: ClassVar[dict[Any, dict[str, Any]]]
    """Targets, and what is predicted where the scores are the best ones: tested, and shown."""

    width: int
    """How many scores a row needs."""

    @abstractmethod
    def together(self, scores: Float[Tensor, "rows members width"]) -> Float[Tensor, "rows width"]:
        """The scores that predict the mean of what the members predict."""

    @abstractmethod
    def fit(self, targets: Shaped[Tensor, " rows"]) -> None:
        """Learn from the training targets, and from nothing else.

        Raises:
            DataError: if the task cannot be learned from these targets.
        """

    @abstractmethod
    def loss(
        self, scores: Float[Tensor, "rows width"], targets: Shaped[Tensor, " rows"]
    ) -> Float[Tensor, ""]:
        """Mean loss over the rows."""

    @abstractmethod
    def calibrate(
        self, scores: Float[Tensor, "rows width"], targets: Shaped[Tensor, " rows"]
    ) -> None:
        """Learn from the validation rows how far to trust the scores, after training."""

    @abstractmethod
    def forward(self, scores: Float[Tensor, "rows width"]) -> dict[str, Tensor]:
        """Predictions by name; these are the outputs of the exported file.

        ``label`` is the code of the class; the exported file has the class itself.
        """
