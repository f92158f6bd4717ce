"""Ranges and categories of the training rows, from the notes of a model file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onward.schema import Field
from onward.serving.column_settings import unit_of

NUMBERS = ("numerical", "quantity")
NEGLIGIBLE = 1e-9  # share of the training rows; sums of shares are rounded


@dataclass(frozen=True)
class TrainingRange:
    """The range of one column; None if the file has none."""

    categories: frozenset[str] | None = None
    """All categories, and "" for missing."""
    low: float | None = None
    high: float | None = None
    unit: str = ""
    """Unit of a quantity."""

    @classmethod
    def read(cls, field: Field, metadata: Mapping[str, Any]) -> "TrainingRange":
        """The range in the note ``reference``; categories only if all are listed."""
        note = metadata.get("reference", {}).get("columns", {}).get(field.name, {})
        if field.type == "categorical" and field.wire == "text":
            if "values" in note and note.get("other", 1.0) <= NEGLIGIBLE:
                return cls(frozenset([*note["values"], *field.missing, ""]))
            return cls()
        is_number = field.wire == "number" or field.type in NUMBERS
        if is_number and note.get("min") is not None:
            return cls(low=float(note["min"]), high=float(note["max"]), unit=unit_of(field) or "")
        return cls()
