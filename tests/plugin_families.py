"""A member of each family that `plugin_package` has none of, and a callback."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from torch import Tensor, nn

from onward.extend import Check, Derivation, Graph, Model, Observer, Rule, Source, Split, Value


class Arrays(Source):
    """Arrays of numpy, one for each column; those of several axes have several values in a row."""

    class Config(Source.Config):
        type: Literal["npz"] = "npz"

    suffixes = {".npz": {}}

    def names(self) -> list[str]:
        return list(np.load(self.path))

    def num_rows(self) -> int:
        arrays = np.load(self.path)
        return len(arrays[self.names()[0]])

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        arrays = np.load(self.path)
        return pl.LazyFrame({name: arrays[name] for name in names})


class LastRows(Split):
    """Tests on the last rows."""

    class Config(Split.Config):
        type: Literal["last_rows"] = "last_rows"

    def deal(self, targets: np.ndarray, values: Any, seed: int, shares: Any) -> np.ndarray:
        validation, test = (round(share * len(targets)) for share in shares)
        return np.repeat([0, 1, 2], [len(targets) - validation - test, validation, test])


class Peak(Check):
    """No point of a curve is above a limit."""

    class Config(Check.Config):
        type: Literal["peak"] = "peak"
        column: str
        limit: float

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.config.column,)

    def rule(self) -> Rule:
        peak = pl.col(self.config.column).arr.max()
        return Rule(self.columns, peak > self.config.limit, "a peak too high", "Correct it")


class Square(Derivation):
    class Config(Derivation.Config):
        type: Literal["square"] = "square"
        column: str

    @property
    def reads(self) -> Mapping[str, Any]:
        return {self.config.column: "number"}

    @property
    def made(self) -> str:
        return f"{self.config.column} squared"

    @classmethod
    def encode(cls, graph: Graph, derivations: Sequence[Self], inputs: Any) -> Value:
        numbers = [inputs.number(derivation.config.column) for derivation in derivations]
        return graph("Concat", *(graph("Mul", number, number) for number in numbers), axis=1)


class TwoLayers(Model):
    class Config(Model.Config):
        type: Literal["two_layers"] = "two_layers"

    def __init__(self, config: Config, widths: tuple[int, ...], d_out: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(sum(widths), 8), nn.ReLU(), nn.Linear(8, d_out))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y[:, None]


class Losses(Observer):
    """Notes the validation loss of each epoch."""

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        with Path("losses.txt").open("a") as file:
            file.write(f"{trainer.callback_metrics['validation/loss'].item()}\n")
