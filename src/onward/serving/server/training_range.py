"""Ranges and categories of the training rows, from a model file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onward.schema import Field

NEGLIGIBLE = 1e-9  # share of the training rows; sums of shares are rounded


@dataclass(frozen=True)
class TrainingRange:
    """The range of one column; None if the file has none."""

    categories: frozenset[str] | None = None
    """All of them, and "" for missing."""
    low: float | None = None
    high: float | None = None

    @classmethod
    def read(cls, field: Field, reference: Mapping[str, Any]) -> "TrainingRange":
        """From the entry of a column in ``reference`` of the file's notes.

        A list of categories counts only if it is complete.
        """
        note = reference.get("columns", {}).get(field.name, {})
        if field.type == "categorical" and field.wire == "text":
            if "values" in note and note.get("other", 1.0) <= NEGLIGIBLE:
                return cls(frozenset([*note["values"], *field.missing, ""]))
            return cls()
        if field.wire == "number" and note.get("min") is not None:
            return cls(low=float(note["min"]), high=float(note["max"]))
        return cls()
