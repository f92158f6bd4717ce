"""Encode many rows fast, with the same bits as the exported file."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import polars as pl

from onward.blocks import Block
from onward.preprocessing.assembly import Preprocessing, preprocessing
from onward.preprocessing.columns import Column, run_batches
from onward.preprocessing.feed import feed
from onward.preprocessing.graph import session

Features = dict[str, np.ndarray]
"""For each block the features of some rows, ``(rows, features, ...)``."""


class Encoder:
    """Encodes many rows as features, bit-identical to those of the file.

    Each text column has its own graph, which encodes the distinct values only (see
    `Column.encoder`). Columns of other wires share one.

    Raises:
        ConfigError: if a column has an unknown wire.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        columns = [column for column in columns if column.config.feature]
        whole = preprocessing(columns)
        self.blocks = whole.blocks
        """Blocks of the features."""
        texts = [column for column in columns if column.wire == "text"]
        others = [column for column in columns if column.wire != "text"]
        self._parts: list[_Part] = [_Text(column, whole) for column in texts]
        if others:
            self._parts.append(_Others(others, whole))

    def __call__(self, frame: pl.DataFrame) -> Features:
        """Encode the rows of ``frame``.

        Args:
            frame: the columns by their names, derived ones too, as `tensor` takes them; null and
                NaN are missing.
        """
        features = {
            name: np.empty((len(frame), *block.shape), block.dtype)
            for name, block in self.blocks.items()
        }
        for part in self._parts:
            part.encode(frame, features)
        return features


class _Part(ABC):
    """The graph of some columns, and the indices of its features among those of all columns."""

    def __init__(self, columns: Sequence[Column], whole: Preprocessing) -> None:
        alone = preprocessing(columns)
        self.model = alone.model
        self._indices = {
            name: _indices(block, whole.blocks[name]) for name, block in alone.blocks.items()
        }

    @abstractmethod
    def encode(self, frame: pl.DataFrame, features: Features) -> None:
        """Write the features of its columns."""

    def put(self, outputs: Sequence[np.ndarray], features: Features) -> None:
        """Write the outputs of the graph."""
        for (name, indices), values in zip(self._indices.items(), outputs, strict=True):
            features[name][:, indices] = values


class _Text(_Part):
    """A column of texts."""

    def __init__(self, column: Column, whole: Preprocessing) -> None:
        super().__init__([column], whole)
        self._name, self._encode = column.name, column.encoder(self.model)

    def encode(self, frame: pl.DataFrame, features: Features) -> None:
        self.put(self._encode(frame[self._name]), features)


class _Others(_Part):
    """All columns of other wires."""

    def __init__(self, columns: Sequence[Column], whole: Preprocessing) -> None:
        super().__init__(columns, whole)
        self._fields = [column.field for column in columns]
        self._session = session(self.model)

    def encode(self, frame: pl.DataFrame, features: Features) -> None:
        self.put(run_batches(self._session, feed(frame, self._fields)), features)


def _indices(part: Block, whole: Block) -> list[int]:
    """Where in ``whole`` the features of ``part`` are; those of one column keep their order."""
    free = {owner: iter(whole.indices([owner])) for owner in part.owners}
    return [next(free[owner]) for owner in part.owners]
