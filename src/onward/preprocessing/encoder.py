"""Encode many rows fast, with the same bits as the exported file."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from onward.blocks import Block
from onward.preprocessing.assembly import Preprocessing, preprocessing
from onward.preprocessing.columns import BATCH, Column, distinct, run
from onward.preprocessing.feed import feed
from onward.preprocessing.graph import session

Features = dict[str, np.ndarray]
"""For each block the features of some rows, ``(rows, features, ...)``."""


class Encoder:
    """Encodes many rows as features, bit-identical to those of the file.

    Each text column has its own graph, which encodes the distinct values only; rows then look up
    theirs. Columns of other wires are encoded directly.

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
        self._texts = [_Part([column], whole) for column in texts]
        self._others = [_Part(others, whole)] if others else []

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
        for part in self._texts:
            unique = distinct(frame[part.fields[0].name])
            outputs = run(part.session, unique.texts)
            part.put([values[unique.codes] for values in outputs], features)
        for part in self._others:
            for start in range(0, len(frame), BATCH):
                rows = slice(start, start + BATCH)
                raw = feed(frame[rows], part.fields)
                part.put(part.session.run(None, raw), features, rows)
        return features


class _Part:
    """The graph of some columns, and the indices of its features among those of all columns."""

    def __init__(self, columns: Sequence[Column], whole: Preprocessing) -> None:
        alone = preprocessing(columns)
        self.fields = [column.field for column in columns]
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
