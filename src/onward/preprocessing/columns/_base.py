"""What every type of column can do."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import polars as pl
from pydantic.json_schema import SkipJsonSchema

from onward.preprocessing.graph import PREFIX, Graph, Value
from onward.rules import Rule
from onward.schema import Field, SemanticType, Wire
from onward.settings.family import Family, Settings

NUMERICAL = f"{PREFIX}numerical"
CATEGORICAL = f"{PREFIX}categorical"
"""The blocks, as outputs of the preprocessing and inputs of the network."""


@dataclass(frozen=True)
class Block:
    """Features side by side, and where each comes from."""

    value: Value
    """A tensor ``(rows, features)``."""
    owners: tuple[str, ...]
    """For each feature the column it is made from."""
    names: tuple[str, ...]
    """For each feature what it is, for people: ``"age"``, ``"age is missing"``."""


@dataclass(frozen=True)
class Encoded:
    """What the columns of one type become; a type fills one block or both."""

    numerical: Block | None = None
    """float32, finite."""
    categorical: Block | None = None
    """int64 codes: 0 unknown, 1 missing, 2 and up the values seen in training."""


class Column(Family, ABC):
    """One column of the table: learns from the training rows, then adds itself to a graph.

    The graph is the only implementation there is: preparing the training rows runs it, and the
    exported file contains it.
    """

    class Config(Settings):
        """Settings that every type has.

        ``missing``: texts that mean the value is missing, beside the empty one.
        ``nullable``: whether a value may be missing.
        ``unique``: whether each value is in one row only.
        ``feature``: whether the network reads it; if not, derivations alone do.
        """

        name: SkipJsonSchema[str] = ""  # the key in prepare.columns
        missing: tuple[str, ...] = ()
        nullable: bool = True
        unique: bool = False
        feature: bool = True

    wire: Wire
    """What callers send: float64 with NaN for missing, or text with "" for missing."""

    cardinality: int = 0
    """Number of codes, if the column joins the categorical block."""

    examples: ClassVar[dict[Any, tuple[float, ...]]]
    """Values, and the numbers they become if the column is fitted on them: tested, and shown."""

    example_settings: ClassVar[dict[str, Any]] = {}
    """Values for those settings of the type that have no default."""

    def __init__(self, config: Any) -> None:
        self.config = config

    @classmethod
    def semantic_type(cls, field: Field) -> SemanticType:
        """What its values are, however they travel."""
        return "number" if field.is_numeric else "category"

    @classmethod
    def meaning(cls, field: Field, values: pl.Series) -> pl.Series:
        """What raw values mean: Float64, String or Datetime; null where a value is missing.

        Args:
            field: of a column of this type.
            values: Float64 or String, after the wire.
        """
        if values.dtype == pl.String:
            return values.set(values.is_in(field.missing), None)
        return values.cast(pl.Float64).fill_nan(None)

    @property
    def name(self) -> str:
        """The column's name in the table."""
        name: str = self.config.name
        return name

    @property
    def field(self) -> Field:
        """What a schema says of it."""
        return Field(self.name, self.config.type, self.wire, self.config.missing)

    def rules(self) -> list[Rule]:
        """What each row must keep; types that ask for more add to it."""
        rules, value, absent = [], pl.col(self.name), self.is_absent()
        if not self.config.nullable:
            remedy = "Correct the table, or set `nullable: true`"
            rules.append(Rule((self.name,), absent, "no value", remedy))
        if self.config.unique:
            remedy = "Correct the table, or set `unique: false`"
            twice = value.is_duplicated() & ~absent
            rules.append(Rule((self.name,), twice, "a value that another row has, too", remedy))
        return rules

    def changes(self) -> dict[str, pl.Expr]:
        """What the graph makes of values other than to encode them, and which values."""
        if self.wire == "number" or not self.config.missing:
            return {}
        return {"counts as missing": pl.col(self.name).is_in(self.config.missing)}

    def is_absent(self) -> pl.Expr:
        """Whether there is no value."""
        value = pl.col(self.name)
        if self.wire == "number":  # the source knows its texts for missing
            return value.is_null()
        return value.is_null() | value.is_in(["", *self.config.missing])

    def parse(self, graph: Graph, text: Value) -> Value | None:
        """Add the operators that make a number of each text, NaN of one that cannot be read.

        The exported file carries them as a graph of its own, by which a caller's texts are checked.
        None where every value can be read, as of categories.

        Args:
            graph: where to add them.
            text: ``(rows, 1)``; the number has the same shape.
        """
        return None

    @abstractmethod
    def fit(self, values: pl.Series) -> None:
        """Learn from the training rows, and from nothing else.

        Args:
            values: Float64 or String, after the wire; null is missing.

        Raises:
            DataError: if there is nothing to learn from; naming the column and the remedy.
        """

    @classmethod
    @abstractmethod
    def encode(cls, graph: Graph, columns: Sequence[Self], raw: Sequence[Value]) -> Encoded:
        """Add the operators that turn raw values into features, for all columns of the type.

        One call for all of them, so that the number of nodes does not grow with the columns: a
        single row costs about 0.35 µs for each node.

        Args:
            graph: where to add them.
            columns: fitted.
            raw: for each column its tensor ``(rows, 1)``.

        The features are finite, whatever comes in, and no row depends on another one.
        """
