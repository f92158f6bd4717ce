"""A package of one's own: a column of curves, with an embedder of its block, and quantiles."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, Self

import numpy as np
import polars as pl
import torch
from onnx import TensorProto
from torch import Tensor, nn

from onward.extend import (
    Block,
    Card,
    Column,
    Embedder,
    Encoded,
    Graph,
    Head,
    Metric,
    NumberTask,
    Value,
)

POINTS, MOST = 4, 9.0  # standard deviations
LEVELS = (0.1, 0.5, 0.9)


class Curve(Column):
    class Config(Column.Config):
        type: Literal["curve"] = "curve"

    wire = f"float64[{POINTS}]"

    def fit(self, values: pl.Series) -> None:
        numbers = values.drop_nulls().to_numpy()
        self.mean, self.deviation = np.nanmean(numbers), np.nanstd(numbers)

    @classmethod
    def encode(cls, graph: Graph, columns: Sequence[Self], raw: Sequence[Value]) -> list[Encoded]:
        axis, zero = graph.constant([1], np.int64), graph.constant(0.0)
        curves = graph("Concat", *(graph("Unsqueeze", value, axis) for value in raw), axis=1)
        means = graph.constant([[column.mean] for column in columns])
        deviations = graph.constant([[column.deviation] for column in columns])
        scaled = graph("Div", graph("Sub", curves, means), deviations)  # (rows, columns, POINTS)
        known = graph("Where", graph("IsNaN", scaled), zero, scaled)
        bounded = graph("Clip", known, graph.constant(-MOST), graph.constant(MOST))
        features = graph("Cast", bounded, to=TensorProto.FLOAT)
        owners = tuple(column.name for column in columns)
        return [Encoded(features, Block("curves", "float32", owners, owners, item=(POINTS,)))]


class Convolution(Embedder):
    class Config(Embedder.Config):
        type: Literal["convolution"] = "convolution"
        channels: int = 4

    reads = "curves"

    def __init__(self, config: Config, block: Block, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.widths = widths
        self.convolution = nn.Conv1d(len(block.owners), config.channels, 3, padding=1)

    @classmethod
    def fit(cls, config: Config, block: Block, features: Tensor) -> "Convolution":
        return cls(config, block, block.item * config.channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.convolution(x).relu(), 1)


def pinball(target: np.ndarray, predictions: Mapping[str, np.ndarray]) -> Callable[..., float]:
    over = target - np.stack([predictions[name] for name in ("lower", "value", "upper")])
    levels = np.array(LEVELS)[:, None]
    losses = np.maximum(levels * over, (levels - 1) * over).mean(0)
    return lambda weights: float(np.average(losses, weights=weights))


class QuantilesTask(NumberTask):
    name = "quantiles"
    outputs = ("value", "lower", "upper", "quantiles")
    metrics = {"pinball": Metric("Pinball loss", pinball, "lower", 0, unit="target")}
    main = "pinball"
    summary = "The mean pinball loss of {target} is {pinball}."

    def cards(self, curves: object, scores: Mapping[str, float]) -> Iterator[Card]:
        yield Card("Losses", pl.DataFrame({"metric": [*scores], "loss": [*scores.values()]}))


class Quantiles(Head):
    class Config(Head.Config):
        type: Literal["quantiles"] = "quantiles"

    task, width = "quantiles", len(LEVELS)

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
        quantiles = scores.double().sort(1).values + self.mean
        lower, value, upper = quantiles.unbind(1)
        return {"value": value, "lower": lower, "upper": upper, "quantiles": quantiles}
