"""The letters of a text as a block of their own: a column, and an embedder of the block."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from onward.extend import Block, Column, Embedder, Encoded, Graph, Value

LETTERS, LENGTH = "abc", 3


class Letters(Column):
    class Config(Column.Config):
        type: Literal["letters"] = "letters"

    wire = "text"
    examples = {"abca": (2, 3, 4), "": (1, 1, 1)}

    def fit(self, values: pl.Series) -> None:
        pass

    @classmethod
    def encode(
        cls, graph: Graph, columns: Sequence["Letters"], raw: Sequence[Value]
    ) -> list[Encoded]:
        texts = graph("Concat", *raw, axis=1)
        codes = []
        for index in range(LENGTH):
            code = graph.constant(1, np.int64)
            for letter, number in zip(LETTERS, range(2, 99), strict=False):
                is_it = graph("RegexFullMatch", texts, pattern=f"(?s).{{{index}}}{letter}.*")
                code = graph("Where", is_it, graph.constant(number, np.int64), code)
            codes.append(graph("Unsqueeze", code, graph.constant([2], np.int64)))
        value = graph("Concat", *codes, axis=2)  # (rows, columns, LENGTH)
        owners = tuple(column.name for column in columns)
        sizes = (2 + len(LETTERS),) * len(owners)
        return [Encoded(value, Block("letters", "int64", owners, owners, sizes, item=(LENGTH,)))]


class LetterVectors(Embedder):
    class Config(Embedder.Config):
        type: Literal["letter_vectors"] = "letter_vectors"
        width: int = 4

    reads = "letters"

    def __init__(self, config: Config, block: Block, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.widths = widths
        self.letters = nn.Embedding(block.cardinalities[0], config.width)

    @classmethod
    def fit(cls, config: Config, block: Block, features: Tensor) -> "LetterVectors":
        return cls(config, block, (LENGTH * config.width,) * len(block.owners))

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.letters(x), 1)
