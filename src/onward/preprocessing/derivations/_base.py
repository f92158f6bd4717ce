"""What every type of derivation can do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic.json_schema import SkipJsonSchema

from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.graph import Graph, Value
from onward.schema import SemanticType, Target
from onward.settings.family import Family, Settings
from onward.wires import ScalarWire


@dataclass(frozen=True)
class Outcomes:
    """The targets of some rows."""

    values: np.ndarray
    """Codes of classes, or numbers, ``(rows,)``."""
    target: Target
    counted: np.ndarray
    """Whether the target of a row may be learned from, bool, ``(rows,)``."""


class Derivation(Family, ABC):
    """A column that is made from other columns, row by row.

    It has values of the wire, as a column of the table has them: float64 with NaN for missing, or
    text with "" for missing. So an entry of ``prepare.columns`` with its name encodes it, and
    derivations that come later can read it. Rows and callers never bring it: prepare and the
    exported file run the same graph.
    """

    class Config(Settings):
        """Settings that every type has."""

        name: SkipJsonSchema[str] = ""  # the key in prepare.derive

    wire: ScalarWire = "number"
    """Of the new column."""

    learns: ClassVar[Literal["nothing", "inputs", "target"]] = "nothing"
    """From training rows. What is learned from the target is learned out of fold for them."""

    examples: ClassVar[Mapping[Any, Any]]
    """Values of the columns that it reads, in their order, and what becomes of them if it learned
    from them, the targets being 1, 2, ...: tested, and shown."""

    example_settings: ClassVar[dict[str, Any]] = {}
    """Values for those settings of the type that have no default; it reads ``a``, then ``b``."""

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    def name(self) -> str:
        """Of the new column."""
        name: str = self.config.name
        return name

    @property
    @abstractmethod
    def reads(self) -> Mapping[str, SemanticType]:
        """The columns it reads, and as what.

        Any but a date can be a category: a text as it is, a number if it is whole.
        """

    @property
    @abstractmethod
    def made(self) -> str:
        """How it is made, for people: ``"dropoff - pickup, in minutes"``."""

    def fit(self, rows: pl.DataFrame, outcomes: Outcomes) -> None:
        """Learn from training rows, and from nothing else.

        Args:
            rows: what it reads, as it reads it: Float64, or String for categories; null is missing.
            outcomes: of the same rows.

        Raises:
            DataError: if there is nothing to learn from; naming the derivation and the remedy.
        """

    @classmethod
    @abstractmethod
    def encode(cls, graph: Graph, derivations: Sequence[Self], inputs: Inputs) -> Value:
        """Add the operators that make the new columns, ``(rows, derivations)``.

        One call for all of one type that can be made at the same time, so that they may share
        operators. Infinite numbers become missing afterwards.

        Args:
            graph: where to add them.
            derivations: which have learned.
            inputs: what they read.
        """
