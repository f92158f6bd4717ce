"""Statistics of groups."""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
import polars as pl
from pydantic import model_validator

from onward.errors import DataError
from onward.preprocessing.derivations._base import Derivation, Outcomes
from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.derivations._tensors import look_up, side_by_side
from onward.preprocessing.graph import Graph, Value
from onward.schema import SemanticType

STATISTICS = {
    "mean": pl.col("number").mean(),
    "std": pl.col("number").std(ddof=0),
    "min": pl.col("number").min(),
    "max": pl.col("number").max(),
    "median": pl.col("number").median(),
}
OPERATORS = {"difference": "Sub", "ratio": "Div"}


class GroupStatistic(Derivation):
    """A statistic of a number in the training rows of the same group, or the row relative to it.

    An unseen group gets the statistic of all training rows. Missing values are one group.
    """

    learns = "inputs"

    class Config(Derivation.Config):
        """The ``statistic`` of the numbers in ``column`` for each category in ``by``.

        ``relation``: the statistic itself, the row's number minus it, or divided by it.
        """

        type: Literal["group_statistic"] = "group_statistic"
        column: str
        by: str
        statistic: Literal["mean", "std", "min", "max", "median"] = "mean"
        relation: Literal["value", "difference", "ratio"] = "value"

        @model_validator(mode="after")
        def _differ(self) -> Self:
            if self.column == self.by:
                raise ValueError("column and by are the same column")
            return self

    config: Config
    examples = {
        (1.0, "Köln"): -1.0,
        (3.0, "Köln"): 1.0,
        (9.0, "Paris"): 0.0,
        (5.0, None): 0.0,
        (None, "Köln"): None,
    }
    example_settings = {"column": "a", "by": "b", "relation": "difference"}

    @property
    def reads(self) -> Mapping[str, SemanticType]:
        """The number and the group."""
        return {self.config.column: "number", self.config.by: "category"}

    @property
    def made(self) -> str:
        """Of what."""
        statistic = f"{self.config.statistic} {self.config.column} of the same {self.config.by}"
        sign = {"value": "", "difference": "-", "ratio": "/"}[self.config.relation]
        return f"{self.config.column} {sign} {statistic}" if sign else statistic

    def fit(self, rows: pl.DataFrame, outcomes: Outcomes) -> None:
        """Fit the statistics."""
        number = rows[self.config.column].fill_nan(None)
        present = number.drop_nulls().to_numpy()
        if not len(present):
            raise DataError(
                f"derive {self.name!r}: none of the {len(rows)} training rows has a value of"
                f" {self.config.column!r}. Remove the derivation"
            )
        scale = float(np.abs(present).max()) or 1.0  # squares of the largest float64 would overflow
        table = pl.DataFrame(
            {"key": rows[self.config.by].fill_null(""), "number": number / scale}
        ).drop_nulls()
        statistic = STATISTICS[self.config.statistic]
        statistics = table.group_by("key").agg(statistic).sort("key")
        self.table = {key: value * scale for key, value in statistics.iter_rows()}
        self.overall = float(table.select(statistic).item()) * scale

    @classmethod
    def encode(cls, graph: Graph, derivations: "Sequence[GroupStatistic]", inputs: Inputs) -> Value:
        """Look up the groups of each derivation."""
        return side_by_side(
            graph, [derivation._relate(graph, inputs) for derivation in derivations]
        )

    def _relate(self, graph: Graph, inputs: Inputs) -> Value:
        group = inputs.category(self.config.by)
        statistic = look_up(graph, group, self.table, self.overall)
        if self.config.relation == "value":
            return statistic
        number = inputs.number(self.config.column)
        return graph(OPERATORS[self.config.relation], number, statistic)
