"""Base class of heads."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from jaxtyping import Float, Int64, Shaped
from torch import Tensor, nn

from onward.settings.family import Family, Settings


class Head(nn.Module, Family, ABC):
    """The number of scores that a task needs, its loss and its predictions.

    Statistics of the targets are buffers. `forward` inverts the scaling, so predictions have the
    unit of the target.

    Built from its settings and the number of classes, which is 0 for a numeric target.
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
    coverage: float | None = None
    """The share of new rows that its intervals are to cover; None without intervals."""

    def __init__(self) -> None:
        super().__init__()
        # none of them is saved: the one belongs to a training, the other to an exported file
        self.emphasis: Tensor | None
        self.register_buffer("emphasis", None, persistent=False)
        self.gains: Tensor | None
        self.register_buffer("gains", None, persistent=False)

    @abstractmethod
    def together(self, scores: Float[Tensor, "rows members width"]) -> Float[Tensor, "rows width"]:
        """The scores whose prediction is the mean of the members' predictions."""

    @abstractmethod
    def fit(self, targets: Shaped[Tensor, " rows"]) -> None:
        """Fit statistics of the training targets.

        Raises:
            DataError: if the targets do not fit the task.
        """

    @abstractmethod
    def loss(
        self,
        scores: Float[Tensor, "rows width"],
        targets: Shaped[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> Float[Tensor, ""]:
        """The mean loss over rows, weighted if there are weights."""

    @abstractmethod
    def calibrate(
        self,
        scores: Float[Tensor, "rows width"],
        targets: Shaped[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> None:
        """Calibrate on the validation rows, after training."""

    def start_from(self, trained: Any) -> None:
        """Take over the statistics that the scores of a trained head of the same settings have."""
        self.load_state_dict(trained.state_dict())

    def emphasize(self, factors: Float[Tensor, " classes"]) -> None:
        """Set the factors by which classes are over-represented in training.

        Scores that minimize a loss with other shares of the classes are off by the logarithm of
        the factors. It is added to the scores in training only, so the scores are unbiased.

        Source: King and Zeng 2001, "Logistic Regression in Rare Events Data", section 4.1; Saerens
        et al. 2002, "Adjusting the Outputs of a Classifier to New a Priori Probabilities", eq. 2.4.
        Differs: they correct the scores after training.
        """
        logarithms = factors.log()
        self.emphasis = (logarithms - logarithms[0])[-self.width :]

    def add_emphasis(self, scores: Float[Tensor, "rows width"]) -> Float[Tensor, "rows width"]:
        """The scores for `loss` in training."""
        return scores if self.emphasis is None else scores + self.emphasis

    def decide(self, gains: Float[Tensor, "classes classes"]) -> None:
        """Set the gain of each label (column) for rows of each class (row).

        The label is then the one with the largest expected gain, not the most probable one.
        """
        self.gains = gains

    def labels(self, probabilities: Float[Tensor, "rows classes"]) -> Int64[Tensor, " rows"]:
        """The code of the chosen class."""
        gained = probabilities if self.gains is None else probabilities @ self.gains
        return gained.argmax(1)

    @abstractmethod
    def forward(self, scores: Float[Tensor, "rows width"]) -> dict[str, Tensor]:
        """Predictions by name; these are the outputs of the exported file.

        ``label`` is the code of the class; the exported file has the class itself.
        """
