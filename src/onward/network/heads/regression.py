"""Regression with a conformal interval."""

from typing import Any, Literal

import torch
from jaxtyping import Float, Float64
from pydantic import Field
from torch import Tensor, nn

from onward.errors import ConfigError, DataError
from onward.network.heads._base import Head
from onward.tasks.conformal import radius

MARGIN = 0.1  # of the range of the training targets, which a prediction may exceed on either side


class Regression(Head):
    """The target, standardized for training and predicted in its own unit.

    ``lower`` and ``upper`` are a split-conformal interval: it covers the share ``coverage`` of new
    rows that are distributed like the validation rows.

    Predictions stay near the range of the training targets: without bounds, one row in some
    hundreds got twice the largest price of the table.

    Source: see `radius`.
    Differs: the validation rows also decide early stopping, so the interval is slightly narrow.
    """

    class Config(Head.Config):
        """``logarithm`` fits the logarithm of a positive target, for relative errors.

        ``bounds``: ``training`` limits predictions to the range of the training targets, extended
        by a tenth of it on both sides; ``none`` sets no limits.
        """

        type: Literal["regression"] = "regression"
        logarithm: bool = False
        coverage: float = Field(0.9, gt=0.0, lt=1.0)
        bounds: Literal["training", "none"] = "training"

    task = "regression"
    examples = {180.0: {"value": 180.0}, 160.5: {"value": 160.5}, 192.0: {"value": 192.0}}
    width = 1
    coverage: float

    def __init__(self, config: Config, classes: int) -> None:
        super().__init__()
        self.logarithm, self.coverage = config.logarithm, config.coverage
        self.bounds = config.bounds
        self.mean = nn.Buffer(torch.tensor(0.0, dtype=torch.float64))
        self.scale = nn.Buffer(torch.tensor(1.0, dtype=torch.float64))
        self.radius = nn.Buffer(torch.tensor(0.0, dtype=torch.float64))
        self.lowest = nn.Buffer(torch.tensor(-torch.inf, dtype=torch.float64))
        self.highest = nn.Buffer(torch.tensor(torch.inf, dtype=torch.float64))

    def fit(self, targets: Float64[Tensor, " rows"]) -> None:
        """Fit the mean, the standard deviation and the bounds."""
        if self.logarithm and not (targets > 0).all():
            raise DataError(
                f"target: {int((targets <= 0).sum())} of {len(targets)} training values are not"
                f" above 0, the lowest is {targets.min().item():g}. Remove `logarithm: true`"
            )
        values = self._read(targets)
        self.mean.copy_(values.mean())
        self.scale.copy_(values.std(correction=0))
        if self.bounds == "training":
            low, high = values.min(), values.max()
            self.lowest.copy_(low - MARGIN * (high - low))
            self.highest.copy_(high + MARGIN * (high - low))

    def start_from(self, trained: "Regression") -> None:
        """Take over mean and scale; the bounds are those of the new training targets."""
        if self.logarithm != trained.logarithm:
            raise ConfigError(
                f"train.network.head.logarithm: {self.logarithm} here, {trained.logarithm} in the"
                " model of prepare.start_from. Restore it, or remove start_from"
            )
        self.mean.copy_(trained.mean)
        self.scale.copy_(trained.scale)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # networks of earlier versions have no bounds
        for name in ("lowest", "highest"):
            state_dict.setdefault(prefix + name, getattr(self, name))
        super()._load_from_state_dict(state_dict, prefix, *args)

    def together(self, scores: Float[Tensor, "rows members 1"]) -> Float[Tensor, "rows 1"]:
        """Their mean."""
        return scores.mean(1)

    def loss(
        self,
        scores: Float[Tensor, "rows 1"],
        targets: Float64[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> Float[Tensor, ""]:
        """Mean squared error on the standardized scale; predicting the mean gives 1.0."""
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
        """Fit the conformal radius."""
        distances = (self._read(targets) - self._rescale(scores)).abs().numpy(force=True)
        of_rows = None if weights is None else weights.double().numpy(force=True)
        self.radius.fill_(radius(distances, self.coverage, of_rows))

    def forward(self, scores: Float[Tensor, "rows 1"]) -> dict[str, Tensor]:
        """``value``, ``lower`` and ``upper``, in the unit of the target."""
        middle = self._rescale(scores)
        names = {"value": middle, "lower": middle - self.radius, "upper": middle + self.radius}
        return {name: self._write(value) for name, value in names.items()}

    def _rescale(self, scores: Tensor) -> Tensor:
        values = scores[:, 0].double() * self.scale + self.mean
        return values.clamp(self.lowest, self.highest)

    def _read(self, targets: Tensor) -> Tensor:
        return targets.log() if self.logarithm else targets

    def _write(self, values: Tensor) -> Tensor:
        return values.exp() if self.logarithm else values
