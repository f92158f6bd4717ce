"""One of several classes."""

from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from onward.heads._base import Head
from onward.temperature import temperature


class Multiclass(Head):
    """The probability of each class."""

    class Config(Head.Config):
        """No settings of its own."""

        type: Literal["multiclass"] = "multiclass"

    kind = "classes"
    examples = {
        0: {"label": 0, "probabilities": (1.0, 0.0, 0.0)},
        1: {"label": 1, "probabilities": (0.0, 1.0, 0.0)},
        2: {"label": 2, "probabilities": (0.0, 0.0, 1.0)},
    }

    def __init__(self, config: Config, classes: int) -> None:
        super().__init__()
        self.width = classes
        self.sharpness = nn.Buffer(torch.tensor(1.0))

    def fit(self, targets: Int64[Tensor, " rows"]) -> None:
        """Nothing to learn."""

    def together(self, scores: Float[Tensor, "rows members width"]) -> Float[Tensor, "rows width"]:
        """The logarithm of the mean probabilities."""
        return scores.log_softmax(2).logsumexp(1)

    def loss(
        self, scores: Float[Tensor, "rows width"], targets: Int64[Tensor, " rows"]
    ) -> Float[Tensor, ""]:
        """Cross-entropy, in nats."""
        return nn.functional.cross_entropy(scores, targets)

    def calibrate(
        self, scores: Float[Tensor, "rows width"], targets: Int64[Tensor, " rows"]
    ) -> None:
        """Learn the temperature."""
        self.sharpness.fill_(1 / temperature(self.loss, scores, targets))

    def forward(self, scores: Float[Tensor, "rows width"]) -> dict[str, Tensor]:
        """``label`` and ``probabilities`` ``(rows, classes)``."""
        probabilities = (scores * self.sharpness).softmax(1)
        return {"label": probabilities.argmax(1), "probabilities": probabilities}
