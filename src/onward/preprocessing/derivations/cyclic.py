"""Numbers on a circle."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from onward.preprocessing.derivations._base import Derivation
from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.derivations._tensors import side_by_side
from onward.preprocessing.graph import Graph, Value
from onward.schema import SemanticType

STEP = 2.0**-24  # that of float32 below 1


class Cyclic(Derivation):
    """One coordinate of a number on a circle, so that 23:59 lies next to 00:00.

    Use both, a cosine and a sine.
    """

    class Config(Derivation.Config):
        """The numbers in ``column``, on a circle of length ``period``, such as 24 for hours.

        ``function``: the coordinate.
        """

        type: Literal["cyclic"] = "cyclic"
        column: str
        period: float = Field(gt=0, allow_inf_nan=False)
        function: Literal["cosine", "sine"]

    config: Config
    examples = {(0.0,): 1.0, (6.0,): 0.0, (-12.0,): -1.0, (240_000_000_024.0,): 1.0, (None,): None}
    example_settings = {"column": "a", "period": 24.0, "function": "cosine"}

    @property
    def reads(self) -> Mapping[str, SemanticType]:
        """The numbers."""
        return {self.config.column: "number"}

    @property
    def made(self) -> str:
        """Which coordinate."""
        return f"{self.config.function} of {self.config.column}, period {self.config.period:g}"

    @classmethod
    def encode(cls, graph: Graph, derivations: "Sequence[Cyclic]", inputs: Inputs) -> Value:
        """All of them in one cosine: a sine is the cosine a quarter of a turn before."""
        numbers = side_by_side(
            graph, [inputs.number(derivation.config.column) for derivation in derivations]
        )
        periods = graph.constant([derivation.config.period for derivation in derivations])
        # far from zero, the angle of the whole number of turns would be rounding
        rest = graph("Mod", numbers, periods, fmod=1)
        angles = graph("Mul", graph("Div", rest, periods), graph.constant(2 * math.pi))
        starts = [
            0.0 if derivation.config.function == "cosine" else math.pi / 2
            for derivation in derivations
        ]
        cosines = graph("Cos", graph("Sub", angles, graph.constant(starts)))
        # onnxruntime computes several at once, and the last ones of a batch one by one with other
        # last digits of float64
        steps = graph("Round", graph("Mul", cosines, graph.constant(1 / STEP)))
        return graph("Mul", steps, graph.constant(STEP))
