"""Three quantiles of a number: a head, and a task with its own metric, output and curve."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from onward.extend import Card, Chart, Head, Metric, NumberTask

LEVELS = (0.1, 0.5, 0.9)
Values = Mapping[str, np.ndarray]


def surplus(target: np.ndarray, predictions: Values) -> np.ndarray:
    return np.stack([target - predictions[name] for name in ("lower", "value", "upper")], 1)


def pinball(target: np.ndarray, predictions: Values) -> Callable[[np.ndarray], float]:
    over = surplus(target, predictions)
    losses = np.maximum(LEVELS * over, (np.array(LEVELS) - 1) * over).mean(1)
    return lambda weights: float(np.average(losses, weights=weights))


def reliability(_: Any, target: np.ndarray, predictions: Values, __: Any) -> pl.DataFrame:
    return pl.DataFrame({"level": LEVELS, "share": (surplus(target, predictions) <= 0).mean(0)})


class QuantilesTask(NumberTask):
    name = "quantiles"
    outputs = ("value", "lower", "upper", "quantiles")
    metrics = {"pinball": Metric("Pinball loss", pinball, "lower", 0, unit="target")}
    main = "pinball"
    curves = {"reliability": reliability}
    summary = "The mean pinball loss of {target} is {pinball}."

    def cards(self, curves: Mapping[str, pl.DataFrame], scores: object) -> Iterator[Card]:
        points: dict[str, Any] = {"data": {"values": curves["reliability"].to_dicts()}}
        points |= {"mark": "point", "encoding": {"x": {"field": "level"}, "y": {"field": "share"}}}
        yield Card("Reliability of quantiles", Chart("Share of rows by level", [points]))
        yield Card("Shares below quantiles", curves["reliability"])


class Quantiles(Head):
    class Config(Head.Config):
        type: Literal["quantiles"] = "quantiles"

    task = "quantiles"
    examples = {1.0: {"value": 1.0}, 2.0: {"value": 2.0}}
    width = len(LEVELS)

    def __init__(self, config: Config, classes: int) -> None:
        super().__init__()
        self.mean, self.levels = nn.Buffer(torch.zeros(())), nn.Buffer(torch.tensor(LEVELS))

    def fit(self, targets: Tensor) -> None:
        self.mean.copy_(targets.mean())

    def together(self, scores: Tensor) -> Tensor:
        return scores.mean(1)

    def loss(self, scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        over = (targets - self.mean).to(scores)[:, None] - scores
        losses = torch.maximum(self.levels * over, (self.levels - 1) * over).mean(1)
        return (losses if weights is None else losses * weights).mean()

    def calibrate(self, scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> None:
        pass

    def forward(self, scores: Tensor) -> dict[str, Tensor]:
        lower, value, upper = (
            part + self.mean for part in scores.double().sort(1).values.unbind(1)
        )
        quantiles = torch.stack([lower, value, upper], 1)
        return {"value": value, "lower": lower, "upper": upper, "quantiles": quantiles}
