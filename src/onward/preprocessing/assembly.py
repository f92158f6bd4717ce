"""Assemble the graph from raw columns to blocks of features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, helper

from onward.blocks import Blocks, in_order, join
from onward.preprocessing.columns import Column, Encoded
from onward.preprocessing.derivations import Derivation, put
from onward.preprocessing.graph import PREFIX, Graph


@dataclass(frozen=True)
class Preprocessing:
    """The graph and its outputs."""

    model: ModelProto
    """One input for each raw column, and one output for each block: see `tensor_name`."""
    blocks: Blocks


def tensor_name(block: str) -> str:
    """Name of a block in the graphs: output of the preprocessing, input of the network."""
    return f"{PREFIX}{block}"


def preprocessing(
    columns: Sequence[Column], derivations: Sequence[Derivation] = ()
) -> Preprocessing:
    """Join fitted columns, grouped by type.

    Args:
        columns: in their order; those that derivations make are no inputs, and those that are no
            features are nothing but inputs.
        derivations: which have learned, each after those that it reads.
    """
    graph = Graph()
    derived = {derivation.name for derivation in derivations}
    given = [column for column in columns if column.name not in derived]
    values = {column.name: graph.input(column.name, column.wire) for column in given}
    if derivations:
        values |= put(graph, derivations, given, values)
    features = [column for column in columns if column.config.feature]
    encoded: list[Encoded] = []
    for member in dict.fromkeys(type(column) for column in features):
        alike = [column for column in features if type(column) is member]
        encoded += member.encode(graph, alike, [values[column.name] for column in alike])
    joined = [
        _join(graph, [part for part in encoded if part.block.name == name])
        for name in in_order({part.block.name for part in encoded})
    ]
    for part in joined:
        dtype = helper.np_dtype_to_tensor_dtype(np.dtype(part.block.dtype))
        graph.output(tensor_name(part.block.name), part.value, dtype, rank=len(part.block.shape))
    return Preprocessing(graph.model(), Blocks(part.block for part in joined))


def _join(graph: Graph, parts: Sequence[Encoded]) -> Encoded:
    if len(parts) == 1:
        return parts[0]
    value = graph("Concat", *(part.value for part in parts), axis=1)
    return Encoded(value, join([part.block for part in parts]))
