"""Graphs are built one operator at a time, and run in the calling thread."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from onward.preprocessing.graph import IR_VERSION, OPSETS, PREFIX, Graph, session


def test_no_name_inside_can_be_the_name_of_a_column() -> None:
    graph = Graph()
    total = graph("Add", graph.input("add_0", "number"), graph.constant(1.0))
    graph.output("total", total, TensorProto.DOUBLE)
    model = graph.model()
    inner = [name for node in model.graph.node for name in node.output if name != "total"]
    inner += [constant.name for constant in model.graph.initializer]
    assert inner
    assert all(name.startswith(PREFIX) for name in inner)


def test_the_file_says_which_operators_it_needs() -> None:
    graph = Graph()
    graph.output("same", graph.input("x", "text"), TensorProto.STRING)
    model = graph.model()
    assert {opset.domain: opset.version for opset in model.opset_import} == OPSETS
    assert model.ir_version == IR_VERSION


def test_constants_may_be_strings() -> None:
    graph = Graph()
    joined = graph("StringConcat", graph.input("x", "text"), graph.constant(["é", ""], object))
    graph.output("joined", joined, TensorProto.STRING)
    got = session(graph.model()).run(None, {"x": np.array([["caf"], [""]], object)})[0]
    assert got.tolist() == [["café", "caf"], ["é", ""]]


def test_an_operator_may_have_several_outputs() -> None:
    graph = Graph()
    sizes = graph.constant([1, 2], np.int64)
    pair = graph("Concat", *[graph.input("x", "number")] * 3, axis=1)
    first, rest = graph.outputs("Split", pair, sizes, count=2, axis=1)
    graph.output("first", first, TensorProto.DOUBLE)
    graph.output("rest", rest, TensorProto.DOUBLE)
    got = session(graph.model()).run(None, {"x": np.array([[7.0]])})
    assert [part.tolist() for part in got] == [[[7.0]], [[7.0, 7.0]]]


def test_a_graph_that_is_no_valid_one_is_refused_when_it_is_made() -> None:
    graph = Graph()
    total = graph("Add", graph.input("x", "number"), graph.input("y", "text"))
    graph.output("total", total, TensorProto.DOUBLE)
    with pytest.raises((onnx.checker.ValidationError, onnx.shape_inference.InferenceError)):
        graph.model()
