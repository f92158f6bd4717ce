"""Frequencies of categories."""

from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl

from onward.preprocessing.derivations._base import Derivation, Outcomes
from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.derivations._tensors import look_up, side_by_side
from onward.preprocessing.graph import Graph, Value
from onward.schema import SemanticType


class Frequency(Derivation):
    """The number of training rows with the same category; 0 for an unseen one.

    Missing values are one category.
    """

    learns = "inputs"

    class Config(Derivation.Config):
        """For the categories in ``column``, as a number of ``rows`` or their ``share``."""

        type: Literal["frequency"] = "frequency"
        column: str
        unit: Literal["rows", "share"] = "rows"

    config: Config
    examples = {("Köln",): 1.0, ("Paris",): 1.0, (None,): 1.0}
    example_settings = {"column": "a"}

    @property
    def reads(self) -> Mapping[str, SemanticType]:
        """The categories."""
        return {self.config.column: "category"}

    @property
    def made(self) -> str:
        """Of what."""
        return f"{self.config.unit} of training with the same {self.config.column}"

    def fit(self, rows: pl.DataFrame, outcomes: Outcomes) -> None:
        """Count."""
        counts = rows.to_series().fill_null("").alias("key").value_counts(name="rows").sort("key")
        whole = len(rows) if self.config.unit == "share" else 1
        self.table = {key: count / whole for key, count in counts.iter_rows()}

    @classmethod
    def encode(cls, graph: Graph, derivations: "Sequence[Frequency]", inputs: Inputs) -> Value:
        """Look up the categories of each derivation."""
        return side_by_side(
            graph,
            [
                look_up(graph, inputs.category(derivation.config.column), derivation.table, 0.0)
                for derivation in derivations
            ],
        )
