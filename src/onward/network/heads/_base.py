"""What every head can do."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from jaxtyping import Float, Int64, Shaped
from torch import Tensor, nn

from onward.settings.family import Family, Settings


class Head(nn.Module, Family, ABC):
    """How many scores a task needs, its loss, and what it predicts.

    What it learned from the targets lives in buffers and is undone in `forward`, so the
    predictions have the target's own unit.

    Built from its settings and the number of classes, which is 0 where the target is a number.
    Targets are class codes (int64) or numbers (float64), as ``prepare`` wrote them.
    """

    class Config(Settings):
        """Settings that every type has."""

    task: ClassVar[str]
    """Name of the task: what is predicted, and how that is measured."""

    examples: ClassVar[dict[Any, dict[str, Any]]]
    """Targets, and what is predicted where the scores are the best ones: tested, and shown."""

    width: int
    """How many scores a row needs."""

    def __init__(self) -> None:
        super().__init__()
        # none of them is saved: the one belongs to a training, the other to an exported file
        self.emphasis: Tensor | None
        self.register_buffer("emphasis", None, persistent=False)
        self.gains: Tensor | None
        self.register_buffer("gains", None, persistent=False)

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
        self,
        scores: Float[Tensor, "rows width"],
        targets: Shaped[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> Float[Tensor, ""]:
        """Mean over the rows of the loss, times the weight of the row if there are weights."""

    @abstractmethod
    def calibrate(
        self,
        scores: Float[Tensor, "rows width"],
        targets: Shaped[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> None:
        """Learn from the validation rows how far to trust the scores, after training."""

    def emphasize(self, factors: Float[Tensor, " classes"]) -> None:
        """Be told how many times as much each class counts in training as there is of it.

        Scores that minimize a loss with other shares of the classes are off by the logarithm of
        the factors. So it is added while training, and the scores alone say the truth.

        Source: King and Zeng 2001, "Logistic Regression in Rare Events Data", section 4.1; Saerens
        et al. 2002, "Adjusting the Outputs of a Classifier to New a Priori Probabilities", eq. 2.4.
        Differs: what they take off the scores after training never gets into them.
        """
        logarithms = factors.log()
        self.emphasis = (logarithms - logarithms[0])[-self.width :]

    def emphasized(self, scores: Float[Tensor, "rows width"]) -> Float[Tensor, "rows width"]:
        """The scores that training gives to `loss`."""
        return scores if self.emphasis is None else scores + self.emphasis

    def decide(self, gains: Float[Tensor, "classes classes"]) -> None:
        """Be told what is gained with each label (column) for a row of each class (row).

        The label is then the one with the largest gain that is to be expected, not the likeliest.
        """
        self.gains = gains

    def labels(self, probabilities: Float[Tensor, "rows classes"]) -> Int64[Tensor, " rows"]:
        """The code of the class that is decided for."""
        gained = probabilities if self.gains is None else probabilities @ self.gains
        return gained.argmax(1)

    @abstractmethod
    def forward(self, scores: Float[Tensor, "rows width"]) -> dict[str, Tensor]:
        """Predictions by name; these are the outputs of the exported file.

        ``label`` is the code of the class; the exported file has the class itself.
        """
