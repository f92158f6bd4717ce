"""Categories: text or whole numbers with few distinct values, as codes."""

from collections.abc import Sequence
from typing import Literal

import polars as pl
from onnx import TensorProto
from pydantic import PositiveInt

from onward.columns._base import Block, Column, Encoded
from onward.errors import DataError
from onward.graph import Graph, Value

UNKNOWN, MISSING, FIRST = 0, 1, 2  # codes; the first of the values seen in training is 2
LARGEST = 2.0**53  # the last float64 before whole numbers begin to fall together
NO_INTEGER, NO_VALUE = -LARGEST - 2, -LARGEST - 4  # float64 numbers that no value can be


class Categorical(Column):
    """A value by its place among the values of the training rows, the most frequent first."""

    class Config(Column.Config):
        """What the values are, and which of them count.

        ``values``: whole numbers travel as float64, so that they can be missing.
        ``min_count``: a value in fewer training rows counts as unknown.
        """

        type: Literal["categorical"] = "categorical"
        values: Literal["text", "integer"] = "text"
        min_count: PositiveInt = 1

    config: Config
    examples = {"Köln": (2,), "Paris": (3,), "": (1,), None: (1,)}

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.wire = "text" if config.values == "text" else "number"

    def fit(self, values: pl.Series) -> None:
        """Learn the vocabulary; values equally frequent are sorted, so that two runs agree."""
        present = values.drop_nulls()
        if self.wire == "number":
            self._refuse_fractions(present)
            present = present.cast(pl.Int64)
        counts = present.value_counts(name="rows").sort(
            ["rows", values.name], descending=[True, False]
        )
        frequent = counts.filter(pl.col("rows") >= self.config.min_count)[values.name]
        absent = {"", *self.config.missing}
        self.vocabulary = [value for value in frequent if value not in absent]
        if not self.vocabulary:
            raise DataError(
                f"column {self.name!r}: no value is in {self.config.min_count} or more of the"
                f" {len(values)} training rows. Lower min_count, or remove the column"
            )
        self.cardinality = FIRST + len(self.vocabulary)

    @classmethod
    def encode(
        cls, graph: Graph, columns: "Sequence[Categorical]", raw: Sequence[Value]
    ) -> Encoded:
        """One code for each column."""
        codes = [column._code(graph, value) for column, value in zip(columns, raw, strict=True)]
        names = tuple(column.name for column in columns)
        return Encoded(categorical=Block(graph("Concat", *codes, axis=1), names, names))

    def _refuse_fractions(self, present: pl.Series) -> None:
        wrong = present.filter((present != present.floor()) | (present.abs() > LARGEST))
        if len(wrong):
            raise DataError(
                f"column {self.name!r}: {len(wrong)} of {len(present)} training values are no"
                f" whole numbers up to 2^53; the first is {wrong[0]!r}. Declare the column"
                " numerical, or `values: text`"
            )

    def _code(self, graph: Graph, raw: Value) -> Value:
        codes = [*range(FIRST, self.cardinality)]
        if self.wire == "text":
            absent = ["", *dict.fromkeys(self.config.missing)]
            keys = {"keys_strings": [*self.vocabulary, *absent]}
            codes += [MISSING] * len(absent)
        else:
            raw = _as_integer(graph, raw)
            keys = {"keys_int64s": [*self.vocabulary, int(NO_VALUE)]}
            codes.append(MISSING)
        return graph(
            "LabelEncoder",
            raw,
            domain="ai.onnx.ml",
            values_int64s=codes,
            default_int64=UNKNOWN,
            **keys,
        )


def _as_integer(graph: Graph, raw: Value) -> Value:
    """Int64, where fractions and numbers out of range become ``NO_INTEGER``."""
    is_whole = graph("Equal", graph("Floor", raw), raw)
    is_small = graph("LessOrEqual", graph("Abs", raw), graph.constant(LARGEST))
    is_good = graph("And", is_whole, is_small)
    good = graph("Where", is_good, raw, graph.constant(NO_INTEGER))
    known = graph("Where", graph("IsNaN", raw), graph.constant(NO_VALUE), good)
    return graph("Cast", known, to=TensorProto.INT64)
