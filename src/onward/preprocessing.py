"""From raw columns to the blocks that the network reads, as one ONNX graph."""

from collections.abc import Sequence
from dataclasses import dataclass

from onnx import ModelProto, TensorProto

from onward.columns import CATEGORICAL, NUMERICAL, Block, Column, Encoded
from onward.graph import Graph


@dataclass(frozen=True)
class Preprocessing:
    """The graph, and what its outputs are."""

    model: ModelProto
    """One input ``(rows, 1)`` for each column; the outputs ``NUMERICAL`` and ``CATEGORICAL``,
    ``(rows, features)``, each only if some column joins it."""
    numerical: Block | None
    categorical: Block | None


def preprocessing(columns: Sequence[Column]) -> Preprocessing:
    """Put fitted columns side by side, those of one type next to each other."""
    graph = Graph()
    raw = {column.name: graph.input(column.name, column.wire) for column in columns}
    encoded: list[Encoded] = []
    for member in dict.fromkeys(type(column) for column in columns):
        alike = [column for column in columns if type(column) is member]
        encoded.append(member.encode(graph, alike, [raw[column.name] for column in alike]))
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
