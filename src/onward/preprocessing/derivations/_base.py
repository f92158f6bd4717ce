"""Base class of derived columns."""

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
    """A column computed from other columns, row by row.

    Its values are like those of a raw column: float64 with NaN for missing, or text with "" for
    missing. An entry of ``prepare.columns`` with its name encodes it, and later derivations can
    read it. Callers never pass it: `prepare` and the exported file compute it with the same graph.
    """

    class Config(Settings):
        """Settings of every type."""

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
        """Its input columns, and their types.

        Any column but a date can be a category: texts, and integers.
        """

    @property
    @abstractmethod
    def made(self) -> str:
        """Its description: ``"dropoff - pickup, in minutes"``."""

    def fit(self, rows: pl.DataFrame, outcomes: Outcomes) -> None:
        """Fit to the training rows.

        Args:
            rows: its inputs: Float64, or String for categories; null is missing.
            outcomes: of the same rows.

        Raises:
            DataError: if the values are not usable, naming the derivation and the remedy.
        """

    @classmethod
    @abstractmethod
    def encode(cls, graph: Graph, derivations: Sequence[Self], inputs: Inputs) -> Value:
        """Add the operators that compute the new columns, ``(rows, derivations)``.

        All derivations of one type that can be computed at the same time share one call and may
        share operators. Infinite numbers become missing afterwards.

        Args:
            graph: where to add them.
            derivations: fitted.
            inputs: their input columns.
        """
