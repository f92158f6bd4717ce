"""Shapes, features and rows of numbers and codes, the blocks that most tables have."""

from collections.abc import Sequence

import torch
from torch import Tensor

from onward.blocks import CATEGORICAL, NUMERICAL, Blocks, categorical, numerical
from onward.network.network import Network, Shape
from onward.training.batches import Rows


def shape(numbers: int, cardinalities: Sequence[int], classes: int) -> Shape:
    names = [f"number {index}" for index in range(numbers)]
    codes = [f"code {index}" for index in range(len(cardinalities))]
    return Shape(Blocks([numerical(names, names), categorical(codes, cardinalities)]), classes)


def features(numbers: Tensor, codes: Tensor | None = None) -> dict[str, Tensor]:
    blocks = {NUMERICAL: numbers} if numbers.shape[1] else {}
    return blocks if codes is None else {**blocks, CATEGORICAL: codes}


def rows(numbers: Tensor, codes: Tensor | None, targets: Tensor) -> Rows:
    return Rows(features(numbers, codes), targets)


def network(config: Network.Config, shape: Shape) -> Network:
    """Untrained, and fitted on random numbers."""
    drawn = {
        name: torch.randn(50, *block.shape)
        if name == NUMERICAL
        else torch.zeros(50, *block.shape, dtype=torch.int64)
        for name, block in shape.blocks.items()
    }
    return Network.fit(config, shape, drawn)
