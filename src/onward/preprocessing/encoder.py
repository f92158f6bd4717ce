"""Encoding many rows fast, with the numbers that the exported file computes for them."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from onward.blocks import Block
from onward.preprocessing.assembly import Preprocessing, preprocessing
from onward.preprocessing.columns import BATCH, Column, distinct, run
from onward.preprocessing.graph import session

Features = dict[str, np.ndarray]
"""For each block the features of some rows, ``(rows, features, ...)``."""


class Encoder:
    """Turns many rows into features, with the numbers that the file computes for them, to the bit.

    Each text column goes through a graph of its own, by its distinct values; then rows look theirs
    up. Numbers need no such detour.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        columns = [column for column in columns if column.config.feature]
        whole = preprocessing(columns)
        self.blocks = whole.blocks
        """Blocks of the features."""
        numbers = [column for column in columns if column.wire == "number"]
        texts = [column for column in columns if column.wire == "text"]
        self._numbers = [_Part(numbers, whole)] if numbers else []
        self._texts = [_Part([column], whole) for column in texts]

    def __call__(self, frame: pl.DataFrame) -> Features:
        """Encode the rows of ``frame``.

        Args:
            frame: the columns by their names, derived ones too, Float64 or String; null and NaN
                are missing.
        """
        features = {
            name: np.empty((len(frame), *block.shape), block.dtype)
            for name, block in self.blocks.items()
        }
        for part in self._texts:
            found = distinct(frame[part.names[0]])
            outputs = run(part.session, found.texts)
            part.put([values[found.codes] for values in outputs], features)
        for part in self._numbers:
            for start in range(0, len(frame), BATCH):
                rows = slice(start, start + BATCH)
                raw = {name: frame[name][rows].to_numpy().reshape(-1, 1) for name in part.names}
                part.put(part.session.run(None, raw), features, rows)
        return features


class _Part:
    """The graph of some columns, and the indices of its features among those of all columns."""

    def __init__(self, columns: Sequence[Column], whole: Preprocessing) -> None:
        alone = preprocessing(columns)
        self.names = [column.name for column in columns]
        self.session = session(alone.model)
        self._indices = {
            name: _indices(block, whole.blocks[name]) for name, block in alone.blocks.items()
        }

    def put(
        self, outputs: Sequence[np.ndarray], features: Features, rows: slice = slice(None)
    ) -> None:
        for (name, indices), values in zip(self._indices.items(), outputs, strict=True):
            features[name][rows, indices] = values


def _indices(part: Block, whole: Block) -> list[int]:
    """Where in ``whole`` the features of ``part`` are; those of one column keep their order."""
    free = {owner: iter(whole.indices([owner])) for owner in part.owners}
    return [next(free[owner]) for owner in part.owners]
