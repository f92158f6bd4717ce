"""Concatenate columns, so that they share operators."""

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import numpy_helper

from onward.preprocessing.graph import Graph, Value


def side_by_side(graph: Graph, values: Sequence[Value]) -> Value:
    """One tensor ``(rows, columns)`` of several ``(rows, 1)``."""
    return graph("Concat", *values, axis=1)


def one_by_one(graph: Graph, values: Value, count: int) -> list[Value]:
    """The columns ``(rows, 1)`` of a tensor."""
    if count == 1:
        return [values]
    sizes = graph.constant([1] * count, np.int64)
    return graph.outputs("Split", values, sizes, count=count, axis=1)


def finite(graph: Graph, numbers: Value) -> Value:
    """The tensor with NaN instead of infinity."""
    return graph("Where", graph("IsInf", numbers), graph.constant(np.nan), numbers)


def look_up(graph: Graph, text: Value, table: Mapping[str, float], default: float) -> Value:
    """Look up the number of each text, float64."""
    return graph(
        "LabelEncoder",
        text,
        domain="ai.onnx.ml",
        keys_tensor=numpy_helper.from_array(np.array(list(table), object)),
        values_tensor=numpy_helper.from_array(np.array(list(table.values()), np.float64)),
        default_tensor=numpy_helper.from_array(np.array([default], np.float64)),
    )
