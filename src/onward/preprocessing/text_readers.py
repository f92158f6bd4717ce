"""Graphs that check whether a model file can read a text."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from onnx import TensorProto

from onward.preprocessing.columns import Column
from onward.preprocessing.graph import Graph

INPUT, OUTPUT = "text", "number"


def text_readers(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The graph of each text format, as base64 of ONNX, and its columns.

    Columns with equal settings share a graph: twenty columns of ISO 8601 dates need one.

    Args:
        columns: need not be fitted.
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
