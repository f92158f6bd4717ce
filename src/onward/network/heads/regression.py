"""A real number, with an interval."""

from typing import Literal

import torch
from jaxtyping import Float, Float64
from pydantic import Field
from torch import Tensor, nn

from onward.errors import DataError
from onward.network.heads._base import Head
from onward.tasks.conformal import radius


class Regression(Head):
    """The target, learned on a standardized scale and predicted in its own unit.

    ``lower`` and ``upper`` are a split-conformal interval: of new rows like the validation rows,
    the share ``coverage`` lies inside.

    Source: see `radius`.
    Differs: the validation rows also stop the training early, so the interval is slightly narrow.
    """

    class Config(Head.Config):
        """``logarithm`` learns the logarithm of a positive target, for errors in percent."""

        type: Literal["regression"] = "regression"
        logarithm: bool = False
        coverage: float = Field(0.9, gt=0.0, lt=1.0)

    task = "regression"
    examples = {180.0: {"value": 180.0}, 160.5: {"value": 160.5}, 192.0: {"value": 192.0}}
    width = 1

    def __init__(self, config: Config, classes: int) -> None:
        super().__init__()
        self.logarithm, self.coverage = config.logarithm, config.coverage
        self.mean = nn.Buffer(torch.tensor(0.0, dtype=torch.float64))
        self.scale = nn.Buffer(torch.tensor(1.0, dtype=torch.float64))
        self.radius = nn.Buffer(torch.tensor(0.0, dtype=torch.float64))

    def fit(self, targets: Float64[Tensor, " rows"]) -> None:
        """Learn the mean and the standard deviation."""
        if self.logarithm and not (targets > 0).all():
            raise DataError(
                f"target: {int((targets <= 0).sum())} of {len(targets)} training values are not"
                f" above 0, the lowest is {targets.min().item():g}. Remove `logarithm: true`"
            )
        values = self._read(targets)
        self.mean.copy_(values.mean())
        self.scale.copy_(values.std(correction=0))

    def together(self, scores: Float[Tensor, "rows members 1"]) -> Float[Tensor, "rows 1"]:
        """Their mean."""
        return scores.mean(1)

    def loss(
        self,
        scores: Float[Tensor, "rows 1"],
        targets: Float64[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> Float[Tensor, ""]:
        """Mean squared error on the standardized scale; 1.0 is as good as the mean."""
        standardized = ((self._read(targets) - self.mean) / self.scale).to(scores)
        if weights is None:
            return nn.functional.mse_loss(scores[:, 0], standardized)
        return ((scores[:, 0] - standardized).square() * weights).mean()

    def calibrate(
        self,
        scores: Float[Tensor, "rows 1"],
        targets: Float64[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> None:
        """Learn how far from the predictions the targets lie."""
        distances = (self._read(targets) - self._rescaled(scores)).abs().numpy(force=True)
        of_rows = None if weights is None else weights.double().numpy(force=True)
        self.radius.fill_(radius(distances, self.coverage, of_rows))

    def forward(self, scores: Float[Tensor, "rows 1"]) -> dict[str, Tensor]:
        """``value``, ``lower`` and ``upper``, in the target's own unit."""
        middle = self._rescaled(scores)
        names = {"value": middle, "lower": middle - self.radius, "upper": middle + self.radius}
        return {name: self._write(value) for name, value in names.items()}

    def _rescaled(self, scores: Tensor) -> Tensor:
        return scores[:, 0].double() * self.scale + self.mean

    def _read(self, targets: Tensor) -> Tensor:
        return targets.log() if self.logarithm else targets

    def _write(self, values: Tensor) -> Tensor:
        return values.exp() if self.logarithm else values
