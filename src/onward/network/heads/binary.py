"""Binary classification."""

from typing import Literal

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor, nn

from onward.errors import ConfigError
from onward.network.heads._base import Head
from onward.network.heads._focal import focal_losses
from onward.network.temperature_scaling import temperature


class Binary(Head):
    """The probability of the second of two classes, from one score."""

    class Config(Head.Config):
        """``gamma`` above 0 is focal loss: rows that are predicted well have less weight."""

        type: Literal["binary"] = "binary"
        gamma: float = Field(0.0, ge=0.0, le=10.0)

    task = "binary"
    examples = {
        0: {"label": 0, "probabilities": (1.0, 0.0)},
        1: {"label": 1, "probabilities": (0.0, 1.0)},
    }
    width = 1

    def __init__(self, config: Config, classes: int) -> None:
        super().__init__()
        if classes != 2:
            raise ConfigError(
                f"train.network.head: binary needs a target with 2 classes; this one has {classes}."
                " Choose {type: multiclass}"
            )
        self.gamma = config.gamma
        self.sharpness = nn.Buffer(torch.tensor(1.0))
        self.signs = nn.Buffer(torch.tensor([-1.0, 1.0]), persistent=False)  # of the classes

    def fit(self, targets: Int64[Tensor, " rows"]) -> None:
        """Nothing to fit."""

    def together(self, scores: Float[Tensor, "rows members 1"]) -> Float[Tensor, "rows 1"]:
        """The log-odds of the mean probability."""
        sides = scores * self.signs  # (rows, members, 2)
        if torch.compiler.is_exporting():  # in fewer operators; infinite beyond a score of 88
            logarithms = sides.sigmoid().sum(1).log()
        else:
            logarithms = nn.functional.logsigmoid(sides).logsumexp(1)
        return logarithms @ self.signs[:, None].to(logarithms)

    def loss(
        self,
        scores: Float[Tensor, "rows 1"],
        targets: Int64[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> Float[Tensor, ""]:
        """Cross-entropy or focal loss, in nats."""
        if self.gamma == 0:
            return self._cross_entropy(scores, targets, weights)
        toward_truth = torch.where(targets == 1, scores[:, 0], -scores[:, 0])
        of_truth, of_rest = map(nn.functional.logsigmoid, (toward_truth, -toward_truth))
        losses = focal_losses(of_truth, of_rest, self.gamma)
        return (losses if weights is None else losses * weights).mean()

    def _cross_entropy(self, scores: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(
            scores[:, 0], targets.to(scores), weights
        )

    def calibrate(
        self,
        scores: Float[Tensor, "rows 1"],
        targets: Int64[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> None:
        """Fit the temperature."""
        self.sharpness.fill_(1 / temperature(self._cross_entropy, scores, targets, weights))

    def forward(self, scores: Float[Tensor, "rows 1"]) -> dict[str, Tensor]:
        """``label`` and ``probabilities`` ``(rows, 2)``."""
        probabilities = (scores * (self.signs * self.sharpness)).sigmoid()
        return {"label": self.labels(probabilities), "probabilities": probabilities}
