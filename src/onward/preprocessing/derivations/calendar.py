"""Parts of dates, as numbers."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from onnx import TensorProto

from onward.preprocessing.columns._iso8601 import NAMES
from onward.preprocessing.derivations._base import Derivation
from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.derivations._tensors import side_by_side
from onward.preprocessing.graph import Graph, Value
from onward.schema import SemanticType

CIRCLES = {"month": 12, "day of month": 31, "hour": 24, "weekday": 7}
FIRST = {"month": 1, "day of month": 1, "hour": 0, "weekday": 1}  # weekdays as ISO 8601 has them


class Calendar(Derivation):
    """The year, month, day of month, weekday (1 is Monday) or hour of a date, as in its text.

    Declare it categorical with ``values: integer``, or numerical. A datetime column already has all
    of these as cosine and sine.
    """

    class Config(Derivation.Config):
        """The ``part`` of the dates in ``column``."""

        type: Literal["calendar"] = "calendar"
        column: str
        part: Literal["year", "month", "day of month", "weekday", "hour"]

    config: Config
    examples = {
        ("2024-02-29T23:59:59+05:00",): 23.0,
        ("2024-02-29 07:30",): 7.0,
        ("2024-02-29",): 0.0,
        ("2024-02-30",): None,
        (None,): None,
    }
    example_settings = {"column": "a", "part": "hour"}

    @property
    def reads(self) -> Mapping[str, SemanticType]:
        """The dates."""
        return {self.config.column: "date"}

    @property
    def made(self) -> str:
        """Part of what."""
        return f"{self.config.part} of {self.config.column}"

    @classmethod
    def encode(cls, graph: Graph, derivations: "Sequence[Calendar]", inputs: Inputs) -> Value:
        """Each by itself."""
        return side_by_side(
            graph, [_part(graph, derivation.config, inputs) for derivation in derivations]
        )


def _part(graph: Graph, config: Calendar.Config, inputs: Inputs) -> Value:
    column, part = config.column, config.part
    if part == "year":
        return inputs.parts([(column, NAMES.index("year"))])
    point = inputs.parts([(column, NAMES.index(f"{part}, {way}")) for way in ("cosine", "sine")])
    # the number whose own point on the circle is nearest, which is where the product is largest
    angles = 2 * np.pi * np.arange(CIRCLES[part]) / CIRCLES[part]
    points = graph.constant(np.stack([np.cos(angles), np.sin(angles)]))
    nearest = graph("ArgMax", graph("MatMul", point, points), axis=1, keepdims=1)
    number = graph("Cast", nearest, to=TensorProto.DOUBLE)
    is_missing = graph("IsNaN", inputs.parts([(column, NAMES.index("year"))]))
    known = graph("Add", number, graph.constant(float(FIRST[part])))
    return graph("Where", is_missing, graph.constant(np.nan), known)
