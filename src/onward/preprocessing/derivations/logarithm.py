"""Logarithms."""

from collections.abc import Mapping, Sequence
from math import log
from typing import Literal

from onnx import TensorProto

from onward.preprocessing.derivations._base import Derivation
from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.derivations._tensors import side_by_side
from onward.preprocessing.graph import Graph, Value
from onward.schema import SemanticType


class Logarithm(Derivation):
    """log(1 + x) for positive, -log(1 - x) for negative numbers."""

    class Config(Derivation.Config):
        """Applied to the numbers in ``column``."""

        type: Literal["logarithm"] = "logarithm"
        column: str

    config: Config
    examples = {(0.0,): 0.0, (1.0,): log(2), (-1.0,): -log(2), (1e308,): log(1e308), (None,): None}
    example_settings = {"column": "a"}

    @property
    def reads(self) -> Mapping[str, SemanticType]:
        """The numbers."""
        return {self.config.column: "number"}

    @property
    def made(self) -> str:
        """Of what."""
        return f"log(1 + |{self.config.column}|), with the sign of {self.config.column}"

    @classmethod
    def encode(cls, graph: Graph, derivations: "Sequence[Logarithm]", inputs: Inputs) -> Value:
        """All of them in one logarithm."""
        columns = [inputs.number(derivation.config.column) for derivation in derivations]
        numbers = side_by_side(graph, columns)
        larger = graph("Add", graph("Abs", numbers), graph.constant(1.0))
        logarithms = graph("Mul", graph("Sign", numbers), graph("Log", larger))
        # onnxruntime computes several at once, and the last ones of a batch one by one with another
        # last digit of float64; in float32 they are the same
        return graph("Cast", graph("Cast", logarithms, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)
