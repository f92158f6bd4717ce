"""True or false: two texts, or the numbers 1 and 0."""

import math
from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import polars as pl
from onnx import TensorProto, numpy_helper
from pydantic import model_validator

from onward.blocks import numerical
from onward.errors import DataError
from onward.preprocessing.columns._base import Column, Encoded
from onward.preprocessing.graph import Graph, Value
from onward.rules import Rule

TRUE, FALSE, NEITHER = 1.0, -1.0, 0.0
SPELLINGS = {TRUE: ("true", "True", "TRUE"), FALSE: ("false", "False", "FALSE")}
"""Of typed booleans, as programs write them; they mean the same in every column of text."""


class Boolean(Column):
    """1 for true, -1 for false, 0 for missing.

    A second feature flags missing values if the training rows have any. The model file treats a
    value that is neither true nor false as missing; `Predictor` refuses it.
    """

    class Config(Column.Config):
        """The texts for true and false; without them, the values are the numbers 1 and 0.

        ``true`` and ``false`` are always understood, in upper and lower case.
        """

        type: Literal["boolean"] = "boolean"
        true_values: tuple[str, ...] = ()
        false_values: tuple[str, ...] = ()

        @model_validator(mode="after")
        def _check(self) -> Self:
            if bool(self.true_values) != bool(self.false_values):
                raise ValueError("give both true_values and false_values, or neither")
            texts = [*self.true_values, *self.false_values, *self.missing, ""]
            twice = {text for text in texts if texts.count(text) > 1}
            if twice:
                raise ValueError(f"a text has two meanings: {sorted(twice)}")
            return self

    config: Config
    examples = {1.0: (1, 0), 0.0: (-1, 0), None: (0, 1)}

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.wire = "text" if config.true_values else "number"

    def rules(self) -> list[Rule]:
        """Values must be true or false."""
        wrong = ~self.is_absent() & ~pl.col(self.name).is_in(self._keys())
        remedy = (
            "Name it in true_values, false_values or missing, or declare the column categorical"
        )
        what = "a value that is neither true nor false"
        return [*super().rules(), Rule((self.name,), wrong, what, remedy)]

    def fit(self, values: pl.Series) -> None:
        """Fit whether values are missing; true and false must both occur."""
        absent = [float("nan")] if self.wire == "number" else ["", *self.config.missing]
        present = values.drop_nulls()
        present = present.filter(~present.is_in(absent))
        numbers = zip(self._keys(), self._numbers(), strict=True)
        if len({number for key, number in numbers if key in present}) < 2:
            raise DataError(
                f"column {self.name!r}: the {len(present)} training values that are not missing"
                " are all true or all false. Remove the column from the config"
            )
        self.has_missing = len(present) < len(values)

    def parse(self, graph: Graph, text: Value) -> Value | None:
        """1 and -1."""
        return _look_up(graph, self, text, default=math.nan) if self.wire == "text" else None

    def _keys(self) -> list[str] | list[float]:
        if self.wire == "number":
            return [1.0, 0.0]
        return list(self._meanings())

    def _numbers(self) -> list[float]:
        if self.wire == "number":
            return [TRUE, FALSE]
        return list(self._meanings().values())

    def _meanings(self) -> dict[str, float]:
        usual = {text: number for number, texts in SPELLINGS.items() for text in texts}
        declared = dict.fromkeys(self.config.true_values, TRUE)
        declared |= dict.fromkeys(self.config.false_values, FALSE)
        meanings = {**usual, **declared}
        return {text: meanings[text] for text in meanings if text not in self.config.missing}

    @classmethod
    def encode(
        cls, graph: Graph, columns: "Sequence[Boolean]", raw: Sequence[Value]
    ) -> list[Encoded]:
        """The values of all columns, texts first, then the flags of missing values."""
        value_by_name = {column.name: value for column, value in zip(columns, raw, strict=True)}
        texts = [column for column in columns if column.wire == "text"]
        numbers = [column for column in columns if column.wire == "number"]
        parts = [_look_up(graph, column, value_by_name[column.name]) for column in texts]
        if numbers:
            together = graph("Concat", *(value_by_name[column.name] for column in numbers), axis=1)
            parts.append(_look_up(graph, numbers[0], together))
        ordered = [*texts, *numbers]
        names = [column.name for column in ordered]
        owners = list(names)
        flagged = [index for index, column in enumerate(ordered) if column.has_missing]
        values = graph("Concat", *parts, axis=1)
        if flagged:
            some = graph("Gather", values, graph.constant(flagged, np.int64), axis=1)
            is_missing = graph("Equal", some, graph.constant(NEITHER))
            flags = graph("Cast", is_missing, to=TensorProto.DOUBLE)
            values = graph("Concat", values, flags, axis=1)
            owners += [names[index] for index in flagged]
            names += [f"{names[index]} is missing" for index in flagged]
        value = graph("Cast", values, to=TensorProto.FLOAT)
        return [Encoded(value, numerical(owners, names))]


def _look_up(graph: Graph, column: Boolean, raw: Value, default: float = NEITHER) -> Value:
    dtype = object if column.wire == "text" else np.float64
    return graph(
        "LabelEncoder",
        raw,
        domain="ai.onnx.ml",
        keys_tensor=numpy_helper.from_array(np.array(column._keys(), dtype)),
        values_tensor=numpy_helper.from_array(np.array(column._numbers())),
        default_tensor=numpy_helper.from_array(np.array([default])),
    )
