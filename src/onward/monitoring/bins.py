"""Bins of a column: which of them each value is in, and what they are called."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray

QUANTILES = 10
CATEGORIES = 20
TIME_OF_DAY = "time of day"
DIGITS = 6  # of an edge; counts are made with the rounded ones


class Bins(ABC):
    """A partition of the values of a column; the last bin is that of missing values."""

    names: list[str]
    """Of the bins, for people."""

    @property
    def size(self) -> int:
        """The number of bins."""
        return len(self.names)

    @abstractmethod
    def note(self) -> dict[str, Any]:
        """What `bins_of_note` makes them of."""

    @abstractmethod
    def indices(self, values: Any) -> Array:
        """For each value its bin."""


@dataclass(frozen=True)
class NumberBins(Bins):
    """Numbers between inner edges; an edge belongs to the bin above it."""

    edges: Array
    unit: str = ""
    """Of the numbers; `TIME_OF_DAY` of seconds since midnight."""

    @property
    def names(self) -> list[str]:  # type: ignore[override]
        """Ranges in words."""
        is_time = self.unit == TIME_OF_DAY
        texts = [_clock(edge) if is_time else f"{edge:.4g}" for edge in self.edges]
        if not texts:
            return ["present", "missing"]
        between = [f"{low} to {high}" for low, high in pairwise(texts)]
        names = [f"below {texts[0]}", *between, f"{texts[-1]} and above"]
        unit = "" if is_time else self.unit
        return [*(f"{name} {unit}".strip() for name in names), "missing"]

    def note(self) -> dict[str, Any]:
        """The edges."""
        edges = {"edges": self.edges.tolist()}
        return edges | ({"unit": self.unit} if self.unit else {})

    def indices(self, values: Array) -> Array:
        """Of float64, NaN is missing."""
        positions = np.searchsorted(self.edges, values, side="right")
        positions[np.isnan(values)] = len(self.edges) + 1
        return positions


@dataclass(frozen=True)
class CategoryBins(Bins):
    """The most frequent categories, all others, missing."""

    values: tuple[str, ...]

    @property
    def names(self) -> list[str]:  # type: ignore[override]
        """The categories themselves."""
        return [*self.values, "other", "missing"] if self.values else ["present", "missing"]

    def note(self) -> dict[str, Any]:
        """The categories."""
        return {"values": list(self.values)}

    def indices(self, values: Sequence[str | None]) -> Array:
        """Of categories by their names, None is missing."""
        known: dict[str | None, int] = {value: index for index, value in enumerate(self.values)}
        known[None] = len(self.values) + 1
        return np.array([known.get(value, len(self.values)) for value in values], np.int64)


def quantile_bins(numbers: Array, unit: str = "") -> NumberBins:
    """Bins with as many finite numbers in each, as far as equal numbers allow."""
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return NumberBins(np.zeros(0), unit)
    shares = np.arange(1, QUANTILES) / QUANTILES
    # an observed value, so that the numbers of a column of few values are its edges
    edges = np.quantile(finite, shares, method="inverted_cdf")
    return NumberBins(np.unique([float(f"{edge:.{DIGITS}g}") for edge in edges]), unit)


def frequent_bins(counts: Mapping[str, int]) -> CategoryBins:
    """Bins for the most frequent categories; those equally frequent by their names."""
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    return CategoryBins(tuple(ordered[:CATEGORIES]))


def bins_of_note(note: Mapping[str, Any]) -> Bins:
    """The bins that the file has of a column or an output."""
    if "edges" in note:
        return NumberBins(np.array(note["edges"], np.float64), note.get("unit", ""))
    return CategoryBins(tuple(note["values"]))


def _clock(seconds: float) -> str:
    """Hours and minutes."""
    return f"{int(seconds) // 3600:02}:{int(seconds) % 3600 // 60:02}"
