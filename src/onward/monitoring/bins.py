"""Bins of the values of a column."""

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
DIGITS = 6  # of an edge; rows are counted with the rounded edges
SHOWN_DIGITS = 4  # in names; whole numbers have all


class Bins(ABC):
    """A partition of the values of a column; the last bin is for missing values."""

    names: list[str]
    """Names of the bins in texts."""

    @property
    def size(self) -> int:
        """The number of bins."""
        return len(self.names)

    @abstractmethod
    def note(self) -> dict[str, Any]:
        """The note that `bins_of_note` reads."""

    @abstractmethod
    def indices(self, values: Any) -> Array:
        """The bin of each value."""


@dataclass(frozen=True)
class NumberBins(Bins):
    """Numbers between inner edges; an edge belongs to the bin above it."""

    edges: Array
    unit: str = ""
    """Unit of the numbers; `TIME_OF_DAY` for seconds since midnight."""
    whole: bool = False
    """Whether all training rows have whole numbers."""

    @property
    def names(self) -> list[str]:  # type: ignore[override]
        """Ranges in words."""
        is_time = self.unit == TIME_OF_DAY
        digits = DIGITS if self.whole else SHOWN_DIGITS
        texts = [_clock(edge) if is_time else f"{edge:.{digits}g}" for edge in self.edges]
        if not texts:
            return ["present", "missing"]
        between = [f"{low} to {high}" for low, high in pairwise(texts)]
        if self.whole and not is_time:  # the edge above is not in the bin
            between = [_whole_range(low, high - 1) for low, high in pairwise(self.edges)]
        names = [f"below {texts[0]}", *between, f"{texts[-1]} and above"]
        unit = "" if is_time else self.unit
        return [*(f"{name} {unit}".strip() for name in names), "missing"]

    def note(self) -> dict[str, Any]:
        """The edges."""
        edges: dict[str, Any] = {"edges": self.edges.tolist()}
        unit = {"unit": self.unit} if self.unit else {}
        return edges | unit | ({"whole": True} if self.whole else {})

    def indices(self, values: Array) -> Array:
        """The bins of float64 numbers; NaN is missing."""
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
        """The bins of category names; None is missing."""
        known: dict[str | None, int] = {value: index for index, value in enumerate(self.values)}
        known[None] = len(self.values) + 1
        return np.array([known.get(value, len(self.values)) for value in values], np.int64)


def quantile_bins(numbers: Array, unit: str = "") -> NumberBins:
    """Bins with equally many finite numbers, as far as ties allow."""
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return NumberBins(np.zeros(0), unit)
    shares = np.arange(1, QUANTILES) / QUANTILES
    # observed values, so the edges of a column with few values are these values
    edges = np.quantile(finite, shares, method="inverted_cdf")
    rounded = np.unique([float(f"{edge:.{DIGITS}g}") for edge in edges])
    return NumberBins(rounded, unit, bool((finite == np.floor(finite)).all()))


def frequent_bins(counts: Mapping[str, int]) -> CategoryBins:
    """Bins of the most frequent categories; ties are sorted by name."""
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    return CategoryBins(tuple(ordered[:CATEGORIES]))


def bins_of_note(note: Mapping[str, Any]) -> Bins:
    """The bins in the note of a column or output."""
    if "edges" in note:
        edges = np.array(note["edges"], np.float64)
        return NumberBins(edges, note.get("unit", ""), note.get("whole", False))
    return CategoryBins(tuple(note["values"]))


def _whole_range(low: float, high: float) -> str:
    ends = dict.fromkeys(f"{end:.{DIGITS}g}" for end in (low, high))
    return " to ".join(ends)


def _clock(seconds: float) -> str:
    """Hours and minutes."""
    return f"{int(seconds) // 3600:02}:{int(seconds) % 3600 // 60:02}"
