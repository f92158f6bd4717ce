"""Base class of column types."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from onnx import ModelProto
from pydantic.json_schema import SkipJsonSchema

from onward.blocks import Block
from onward.preprocessing.columns._distinct import run_distinct
from onward.preprocessing.graph import Graph, Value, session
from onward.rules import Rule
from onward.schema import Field, SemanticType
from onward.settings.family import Family, Settings

SETTINGS = ("config", "wire")  # attributes that are not learned
SEMANTIC_TYPES: dict[str, SemanticType] = {"number": "number", "text": "category"}
"""By wire."""


@dataclass(frozen=True)
class Encoded:
    """Features in the graph, and the description of the block that they join."""

    value: Value
    """A tensor ``(rows, features, ...)`` of the type and shape of the block. Numbers are finite;
    codes are 0 for unknown, 1 for missing, and 2 and up for values of the training rows."""
    block: Block


class Column(Family, ABC):
    """One column of the table: fits the training rows, then adds its operators to a graph.

    The graph is the only implementation: `prepare` runs it, and the exported file contains it.
    """

    class Config(Settings):
        """Settings of every type.

        ``missing``: texts for missing values, beside the empty text.
        ``nullable``: whether values may be missing.
        ``unique``: whether values must be unique.
        ``feature``: whether it is an input of the network; if not, only of derived columns.
        """

        name: SkipJsonSchema[str] = ""  # the key in prepare.columns
        missing: tuple[str, ...] = ()
        nullable: bool = True
        unique: bool = False
        feature: bool = True

    wire: str
    """What callers send: ``number`` (float64, NaN is missing), ``text`` ("" is missing), or the
    type and the shape of a row, such as ``uint8[28,28,1]``."""

    examples: ClassVar[dict[Any, tuple[float, ...]]]
    """Values, and the numbers they become if the column is fitted on them: tested, and shown."""

    example_settings: ClassVar[dict[str, Any]] = {}
    """Values for those settings of the type that have no default."""

    adjustable: ClassVar[frozenset[str]] = frozenset()
    """Settings of the type that do not change what a feature means, beside those of `Config`: they
    may differ between a model and one that starts from it."""

    def __init__(self, config: Any) -> None:
        self.config = config

    @classmethod
    def semantic_type(cls, field: Field) -> SemanticType:
        """The semantic type of its values; by default none of a row of several values."""
        return SEMANTIC_TYPES.get(field.wire, "none")

    @classmethod
    def meaning(cls, field: Field, values: pl.Series) -> pl.Series:
        """The parsed values: Float64, String or Datetime; null where a value is missing.

        Rows of several values stay as they are.

        Args:
            field: of a column of this type.
            values: Float64, String or Array, after the wire.
        """
        if values.dtype.is_nested():
            return values
        if values.dtype == pl.String:
            return values.set(values.is_in(field.missing), None)
        return values.cast(pl.Float64).fill_nan(None)

    def warnings(self) -> list[str]:
        """Sentences about what the training rows did not teach, after `fit`."""
        return []

    @classmethod
    def has_same_features(cls, setting: str, old: Any, new: Any) -> bool:
        """Whether features mean the same after a change of a setting of the type.

        Args:
            setting: its name.
            old: its value for a model, as JSON.
            new: its value for one that starts from it.
        """
        return old == new or setting in cls.adjustable

    @property
    def name(self) -> str:
        """The column's name in the table."""
        name: str = self.config.name
        return name

    @property
    def field(self) -> Field:
        """Its entry in the schema."""
        return Field(self.name, self.config.type, self.wire, self.config.missing)

    def rules(self) -> list[Rule]:
        """The rules for each row; types may add more."""
        rules, value, absent = [], pl.col(self.name), self.is_absent()
        if not self.config.nullable:
            remedy = "Correct the table, or set `nullable: true`"
            rules.append(Rule((self.name,), absent, "no value", remedy))
        if self.config.unique:
            remedy = "Correct the table, or set `unique: false`"
            twice = value.is_duplicated() & ~absent
            rules.append(Rule((self.name,), twice, "a value that occurs more than once", remedy))
        return rules

    def changes(self) -> dict[str, pl.Expr]:
        """Changes of values before encoding, and the values concerned."""
        if not self.config.missing:
            return {}
        if self.wire != "text":  # the source has read both as null
            return {"empty, or counts as missing": pl.col(self.name).is_null()}
        return {"counts as missing": pl.col(self.name).is_in(self.config.missing)}

    def is_absent(self) -> pl.Expr:
        """Whether the value is missing."""
        value = pl.col(self.name)
        if self.wire != "text":  # the source knows its texts for missing
            return value.is_null()
        return value.is_null() | value.is_in(["", *self.config.missing])

    def parse(self, graph: Graph, text: Value) -> Value | None:
        """Add the operators that parse texts to numbers; NaN if a text cannot be parsed.

        The exported file contains them as a separate graph that checks the texts of callers. None
        if every value is valid, as for categories.

        Args:
            graph: where to add them.
            text: ``(rows, 1)``; the number has the same shape.
        """
        return None

    @abstractmethod
    def fit(self, values: pl.Series) -> None:
        """Fit to the training rows.

        Args:
            values: Float64, String or Array, after the wire; null is missing.

        Raises:
            DataError: if the values are not usable, naming the column and the remedy.
        """

    def extend(self, values: pl.Series) -> int:
        """Add the categories of further training rows, and return their number.

        Features of values that are known already stay the same. By default nothing is added.

        Args:
            values: as for `fit`.
        """
        return 0

    def dump(self) -> dict[str, Any]:
        """What `fit` and `extend` have learned, as JSON values for `restore`.

        By default all attributes but the settings. A type overrides both methods if its attributes
        are not JSON values; otherwise a model that starts from another fits its columns again.
        """
        return {name: value for name, value in vars(self).items() if name not in SETTINGS}

    def restore(self, learned: Mapping[str, Any]) -> None:
        """Take over the result of `dump`, in place of `fit`."""
        vars(self).update(learned)

    def encoder(self, model: ModelProto) -> Callable[[pl.Series], list[np.ndarray]]:
        """A function from many texts to their features, one array for each block.

        By default the graph runs on the distinct texts. A type may do it faster, with the same
        bits.

        Args:
            model: the graph of `encode` for this column alone.
        """
        return partial(run_distinct, session(model))

    @classmethod
    @abstractmethod
    def encode(cls, graph: Graph, columns: Sequence[Self], raw: Sequence[Value]) -> list[Encoded]:
        """Add the operators that turn raw values into features, for all columns of the type.

        A type may fill any number of blocks: the numerical one, the categorical one, or one with
        its own name, type and row shape, if there is an embedder for it.

        All columns are encoded in one call, so the number of nodes does not grow with the columns:
        each node costs about 0.35 µs per prediction.

        Args:
            graph: where to add them.
            columns: fitted.
            raw: for each column its tensor: ``(rows, 1)``, or what the wire says.

        Features are finite for any input, and rows are independent.
        """
