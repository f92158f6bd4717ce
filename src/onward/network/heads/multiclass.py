"""Multiclass classification."""

import math
from typing import Literal

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor, nn

from onward.network.heads._base import Head
from onward.network.heads._focal import focal_losses
from onward.network.temperature_scaling import temperature


class Multiclass(Head):
    """The probability of each class."""

    class Config(Head.Config):
        """``gamma`` above 0 is focal loss: rows that are predicted well have less weight."""

        type: Literal["multiclass"] = "multiclass"
        gamma: float = Field(0.0, ge=0.0, le=10.0)

    task = "multiclass"
    examples = {
        0: {"label": 0, "probabilities": (1.0, 0.0, 0.0)},
        1: {"label": 1, "probabilities": (0.0, 1.0, 0.0)},
        2: {"label": 2, "probabilities": (0.0, 0.0, 1.0)},
    }

    def __init__(self, config: Config, classes: int) -> None:
        super().__init__()
        self.width, self.gamma = classes, config.gamma
        self.sharpness = nn.Buffer(torch.tensor(1.0))

    def fit(self, targets: Int64[Tensor, " rows"]) -> None:
        """Nothing to fit."""

    def together(self, scores: Float[Tensor, "rows members width"]) -> Float[Tensor, "rows width"]:
        """The logarithm of the mean probabilities."""
        return scores.log_softmax(2).logsumexp(1)

    def loss(
        self,
        scores: Float[Tensor, "rows width"],
        targets: Int64[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> Float[Tensor, ""]:
        """Cross-entropy or focal loss, in nats."""
        if self.gamma == 0:
            return self._cross_entropy(scores, targets, weights)
        true, whole = targets[:, None], scores.logsumexp(1)
        of_truth = scores.gather(1, true)[:, 0] - whole
        of_rest = scores.scatter(1, true, -math.inf).logsumexp(1) - whole
        losses = focal_losses(of_truth, of_rest, self.gamma)
        return (losses if weights is None else losses * weights).mean()

    def _cross_entropy(self, scores: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        if weights is None:
            return nn.functional.cross_entropy(scores, targets)
        return (nn.functional.cross_entropy(scores, targets, reduction="none") * weights).mean()

    def calibrate(
        self,
        scores: Float[Tensor, "rows width"],
        targets: Int64[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> None:
        """Fit the temperature."""
        self.sharpness.fill_(1 / temperature(self._cross_entropy, scores, targets, weights))

    def forward(self, scores: Float[Tensor, "rows width"]) -> dict[str, Tensor]:
        """``label`` and ``probabilities`` ``(rows, classes)``."""
        probabilities = (scores * self.sharpness).softmax(1)
        return {"label": self.labels(probabilities), "probabilities": probabilities}
