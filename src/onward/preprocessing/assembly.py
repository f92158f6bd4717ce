"""From raw columns to the blocks that the network reads, as one ONNX graph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from onnx import ModelProto, TensorProto

from onward.preprocessing.columns import (
    BATCH,
    CATEGORICAL,
    NUMERICAL,
    Block,
    Column,
    Encoded,
    distinct,
    run,
)
from onward.preprocessing.derivations import Derivation, put
from onward.preprocessing.graph import Graph, session


@dataclass(frozen=True)
class Preprocessing:
    """The graph, and what its outputs are."""

    model: ModelProto
    """One input ``(rows, 1)`` for each raw column; the outputs ``NUMERICAL`` and ``CATEGORICAL``,
    ``(rows, features)``, each only if some column joins it."""
    numerical: Block | None
    categorical: Block | None

    @property
    def blocks(self) -> tuple[Block | None, Block | None]:
        """Both, in the order of the outputs."""
        return self.numerical, self.categorical


def preprocessing(
    columns: Sequence[Column], derivations: Sequence[Derivation] = ()
) -> Preprocessing:
    """Put fitted columns side by side, those of one type next to each other.

    Args:
        columns: in their order; those that derivations make are no inputs, and those that are no
            features are nothing but inputs.
        derivations: which have learned, each after those that it reads.
    """
    graph = Graph()
    made = {derivation.name for derivation in derivations}
    given = [column for column in columns if column.name not in made]
    values = {column.name: graph.input(column.name, column.wire) for column in given}
    if derivations:
        values |= put(graph, derivations, given, values)
    features = [column for column in columns if column.config.feature]
    encoded: list[Encoded] = []
    for member in dict.fromkeys(type(column) for column in features):
        alike = [column for column in features if type(column) is member]
        encoded.append(member.encode(graph, alike, [values[column.name] for column in alike]))
    numerical = _joined(graph, [part.numerical for part in encoded])
    categorical = _joined(graph, [part.categorical for part in encoded])
    if numerical:
        graph.output(NUMERICAL, numerical.value, TensorProto.FLOAT)
    if categorical:
        graph.output(CATEGORICAL, categorical.value, TensorProto.INT64)
    return Preprocessing(graph.model(), numerical, categorical)


def _joined(graph: Graph, parts: Sequence[Block | None]) -> Block | None:
    blocks = [block for block in parts if block]
    if len(blocks) < 2:
        return blocks[0] if blocks else None
    return Block(
        graph("Concat", *(block.value for block in blocks), axis=1),
        tuple(owner for block in blocks for owner in block.owners),
        tuple(name for block in blocks for name in block.names),
    )


@dataclass(frozen=True)
class Features:
    """The blocks of some rows; without columns for a block it has the width 0."""

    numerical: np.ndarray
    """float32, ``(rows, features)``."""
    categorical: np.ndarray
    """int64, ``(rows, codes)``."""

    @property
    def blocks(self) -> tuple[np.ndarray, np.ndarray]:
        """Both."""
        return self.numerical, self.categorical


class Encoder:
    """Turns many rows into features, with the numbers that the file computes for them, to the bit.

    Each text column goes through a graph of its own, by its distinct values; then rows look theirs
    up. Numbers need no such detour.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        columns = [column for column in columns if column.config.feature]
        whole = preprocessing(columns)
        self._widths = [len(block.owners) if block else 0 for block in whole.blocks]
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
        features = Features(
            np.empty((len(frame), self._widths[0]), np.float32),
            np.empty((len(frame), self._widths[1]), np.int64),
        )
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
    """The graph of some columns, and the places of its features among those of all columns."""

    def __init__(self, columns: Sequence[Column], whole: Preprocessing) -> None:
        alone = preprocessing(columns)
        self.names = [column.name for column in columns]
        self.session = session(alone.model)
        self._places = [
            _places(part, block) if part and block else None
            for part, block in zip(alone.blocks, whole.blocks, strict=True)
        ]

    def put(
        self, outputs: Sequence[np.ndarray], features: Features, rows: slice = slice(None)
    ) -> None:
        remaining = iter(outputs)
        for block, places in zip(features.blocks, self._places, strict=True):
            if places is not None:
                block[rows, places] = next(remaining)


def _places(part: Block, whole: Block) -> list[int]:
    """Where in ``whole`` the features of ``part`` are; those of one column keep their order."""
    free = {owner: iter(np.flatnonzero(np.array(whole.owners) == owner)) for owner in part.owners}
    return [int(next(free[owner])) for owner in part.owners]
