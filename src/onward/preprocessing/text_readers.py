"""The graphs by which a model file tells whether it can read a text."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from onnx import TensorProto

from onward.preprocessing.columns import Column
from onward.preprocessing.graph import Graph

INPUT, OUTPUT = "text", "number"


def text_readers(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """For each way of reading texts its graph, as base64 of ONNX, and the columns that it is of.

    Columns of one type read alike if their settings agree, so that twenty dates in ISO-8601 cost
    the file one graph.

    Args:
        columns: as their settings have them; they need not be fitted.
    """
    readers: dict[bytes, list[str]] = {}
    for column in columns:
        graph = Graph()
        number = column.parse(graph, graph.input(INPUT, "text")) if column.wire == "text" else None
        if number is not None:
            graph.output(OUTPUT, number, TensorProto.DOUBLE)
            readers.setdefault(graph.model().SerializeToString(), []).append(column.name)
    return [
        {"columns": names, "graph": b64encode(content).decode()}
        for content, names in readers.items()
    ]
