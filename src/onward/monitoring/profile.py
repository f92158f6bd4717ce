"""What a model file says of its training rows and held-out rows, for later comparisons."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from onward.monitoring.bins import Array, Bins, bins_of_note
from onward.monitoring.effects import negligible_effect
from onward.monitoring.estimation import Correction

NOTE = "monitor"
"""Its name in the file."""


@dataclass(frozen=True)
class Distribution:
    """The histogram of a column or an output."""

    name: str
    note: Mapping[str, Any]

    @cached_property
    def bins(self) -> Bins:
        """Of the values."""
        return bins_of_note(self.note)

    @cached_property
    def counts(self) -> Array:
        """Rows in each of the bins."""
        return np.array(self.note["counts"], np.float64)

    @property
    def negligible(self) -> float:
        """The largest effect that is of no concern."""
        return float(negligible_effect(self.note["spread"]))

    @property
    def importance(self) -> float:
        """How much the loss grew when the column was shuffled; 0 of outputs."""
        return float(self.note.get("importance", 0.0))

    @property
    def unseen(self) -> tuple[int, int]:
        """Held-out rows with a category that no training row has, of how many."""
        count, rows = self.note.get("unseen", (0, 0))
        return count, rows


@dataclass(frozen=True)
class Profile:
    """All of it."""

    columns: Mapping[str, Distribution]
    outputs: Mapping[str, Distribution]
    quality: Mapping[str, Mapping[str, float]]
    """``mean``, ``sd`` and ``rows`` of each outcome of a held-out row."""
    metrics: Mapping[str, Mapping[str, float]]
    """``value`` and ``error`` of each metric of the task."""
    correction: Correction | None
    """Of what the model expects of itself."""

    @classmethod
    def of_note(cls, note: Mapping[str, Any]) -> "Profile":
        """As the file has it."""
        columns, outputs = (
            {name: Distribution(name, entry) for name, entry in note[part].items()}
            for part in ("columns", "outputs")
        )
        correction = Correction.of_note(note["correction"]) if "correction" in note else None
        return cls(columns, outputs, note["quality"], note["metrics"], correction)
