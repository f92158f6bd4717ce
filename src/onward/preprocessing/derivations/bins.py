"""Intervals of numbers."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

import numpy as np
import polars as pl
from onnx import TensorProto
from pydantic import Field, FiniteFloat, model_validator

from onward.errors import DataError
from onward.preprocessing.derivations._base import Derivation, Outcomes
from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.derivations._tensors import side_by_side
from onward.preprocessing.graph import Graph, Value
from onward.schema import SemanticType


class Bins(Derivation):
    """The index of the interval of a number: 0 below the first edge, 1 from there on, and so on.

    Declare it categorical with ``values: integer``, or numerical.
    """

    learns = "inputs"

    class Config(Derivation.Config):
        """The ``edges`` for the numbers in ``column``, or a number of ``quantiles``.

        Equal quantiles are one edge, so there may be fewer intervals.
        """

        type: Literal["bins"] = "bins"
        column: str
        edges: tuple[FiniteFloat, ...] = ()
        quantiles: Annotated[int, Field(ge=2, le=256)] | None = None

        @model_validator(mode="after")
        def _one_of_both(self) -> Self:
            if bool(self.edges) == (self.quantiles is not None):
                raise ValueError("give either edges or quantiles")
            if list(self.edges) != sorted(set(self.edges)):
                raise ValueError("edges must ascend")
            return self

    config: Config
    examples = {(-1.0,): 0.0, (0.0,): 1.0, (9.5,): 1.0, (10.0,): 2.0, (None,): None}
    example_settings = {"column": "a", "edges": (0.0, 10.0)}

    @property
    def reads(self) -> Mapping[str, SemanticType]:
        """The numbers."""
        return {self.config.column: "number"}

    @property
    def made(self) -> str:
        """Of what."""
        edges = ", ".join(f"{edge:g}" for edge in self.config.edges)
        cut = f"at {edges}" if edges else f"into {self.config.quantiles} quantiles"
        return f"{self.config.column}, cut {cut}"

    def fit(self, rows: pl.DataFrame, outcomes: Outcomes) -> None:
        """Fit the edges, unless they are given."""
        self.edges = np.array(self.config.edges)
        if self.config.quantiles is None:
            return
        present = rows.to_series().fill_nan(None).drop_nulls().to_numpy()
        shares = np.arange(1, self.config.quantiles) / self.config.quantiles
        # "lower" edges are values of rows: no sum of two large ones overflows
        edges = np.quantile(present, shares, method="lower") if len(present) else present
        self.edges = np.unique(edges[edges > present.min()]) if len(edges) else edges
        if not len(self.edges):
            raise DataError(
                f"derive {self.name!r}: {len(present)} of {len(rows)} training rows have a value of"
                f" {self.config.column!r}, too few of them distinct for bins. Remove the derivation"
            )

    @classmethod
    def encode(cls, graph: Graph, derivations: "Sequence[Bins]", inputs: Inputs) -> Value:
        """Count the edges that are not above the number."""
        return side_by_side(
            graph, [derivation._interval(graph, inputs) for derivation in derivations]
        )

    def _interval(self, graph: Graph, inputs: Inputs) -> Value:
        number = inputs.number(self.config.column)
        is_passed = graph("GreaterOrEqual", number, graph.constant(self.edges[None]))
        passed = graph("Cast", is_passed, to=TensorProto.DOUBLE)
        interval = graph("ReduceSum", passed, graph.constant([1], np.int64))
        return graph("Where", graph("IsNaN", number), graph.constant(np.nan), interval)
