"""Build ONNX graphs, one operator at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from onward.wires import wire_of

# The lowest versions with StringSplit and RegexFullMatch. The runtimes on npm trail the one for
# Python, so no newer ones without need.
OPSETS = {"": 20, "ai.onnx.ml": 4}
IR_VERSION = 10
PREFIX = "onward/"
"""All names inside the graph start with this, so none can be the name of a column."""

Value = str
"""A tensor in the graph, by its name."""


class Graph:
    """An ONNX graph under construction.

    Call it with an operator's name and its inputs; it returns the output:

        >>> from onnx import TensorProto
        >>> graph = Graph()
        >>> x = graph.input("x", "number")
        >>> graph.output("twice", graph("Mul", x, graph.constant(2.0)), TensorProto.DOUBLE)
        >>> [node.op_type for node in graph.model().graph.node]
        ['Mul']
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._names: list[tuple[Value, str]] = []  # of outputs
        self._constants: list[onnx.TensorProto] = []

    def input(self, name: str, wire: str) -> Value:
        """One raw column, of shape ``(rows, 1)`` or what its wire says.

        Raises:
            ConfigError: if there is no such wire.
        """
        known = wire_of(wire)
        shape: list[str | int | None] = ["rows", *known.shape]
        self._inputs.append(helper.make_tensor_value_info(name, known.element.onnx, shape))
        return name

    def constant(self, value: Any, dtype: Any = np.float64) -> Value:
        """A tensor that is part of the file. ``dtype=object`` makes a tensor of strings."""
        name = f"{PREFIX}constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.array(value, dtype), name))
        return name

    def __call__(self, operator: str, *inputs: Value, domain: str = "", **attributes: Any) -> Value:
        """Apply an operator with one output; https://onnx.ai/onnx/operators lists them.

        One tensor is concatenated without an operator.
        """
        if operator == "Concat" and len(inputs) == 1:
            return inputs[0]
        return self.outputs(operator, *inputs, count=1, domain=domain, **attributes)[0]

    def outputs(
        self, operator: str, *inputs: Value, count: int, domain: str = "", **attributes: Any
    ) -> list[Value]:
        """Apply an operator with ``count`` outputs."""
        stem = f"{PREFIX}{operator.lower()}_{len(self._nodes)}"
        names = [stem if count == 1 else f"{stem}_{index}" for index in range(count)]
        node = helper.make_node(operator, inputs, names, name=stem, domain=domain, **attributes)
        self._nodes.append(node)
        return names

    def gather(self, values: Value, indices: int | Sequence[Any] | np.ndarray, axis: int) -> Value:
        """Select values along an axis, which becomes those of the indices: none for a number."""
        return self("Gather", values, self.constant(indices, np.int64), axis=axis)

    def output(self, name: str, value: Value, dtype: int, rank: int = 1) -> None:
        """Give a tensor of shape ``(rows, ...)``, with ``rank`` more axes, a name for callers."""
        self._names.append((value, name))
        shape = ["rows", *[None] * rank]
        self._outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def model(self) -> onnx.ModelProto:
        """The checked graph."""
        nodes = self._named()
        graph = helper.make_graph(nodes, "onward", self._inputs, self._outputs, self._constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _named(self) -> list[onnx.NodeProto]:
        """The operators, with the names of outputs."""
        names: dict[Value, str] = {}
        computed = {value for node in self._nodes for value in node.output}
        copies = []
        for value, name in self._names:
            if value in computed and value not in names:
                names[value] = name
            else:  # an input, a constant, or an output twice
                copies.append(helper.make_node("Identity", [names.get(value, value)], [name]))
        nodes = []
        for node in (*self._nodes, *copies):
            named = onnx.NodeProto()
            named.CopyFrom(node)
            for values in (named.input, named.output):
                values[:] = [names.get(value, value) for value in values]
            nodes.append(named)
        return nodes


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session that runs the model in the calling thread alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
