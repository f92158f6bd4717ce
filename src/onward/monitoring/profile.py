"""Statistics of the training rows and held-out rows in a model file."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from onward.monitoring.bins import Array, Bins, bins_of_note
from onward.monitoring.calibration import KnownCalibration, calibration_of_note
from onward.monitoring.estimation import Correction

NOTE = "monitor"
"""Name of the note in the file."""


@dataclass(frozen=True)
class Distribution:
    """The histogram of a column or an output."""

    name: str
    note: Mapping[str, Any]

    @cached_property
    def bins(self) -> Bins:
        """Bins of the values."""
        return bins_of_note(self.note)

    @cached_property
    def counts(self) -> Array:
        """Number of rows in each bin."""
        return np.array(self.note["counts"], np.float64)

    @property
    def spread(self) -> float:
        """Root mean square of the effect between blocks of the rows."""
        return float(self.note["spread"])

    @property
    def importance(self) -> float:
        """Increase of the loss when the column is shuffled; 0 for outputs."""
        return float(self.note.get("importance", 0.0))

    @property
    def unseen(self) -> tuple[int, int]:
        """Held-out rows with an unseen category, and their total number."""
        count, rows = self.note.get("unseen", (0, 0))
        return count, rows

    @cached_property
    def losses(self) -> Array | None:
        """Test rows of each bin, mean and standard deviation of their loss, ``(bins, 3)``.

        None for outputs, and in files of older versions.
        """
        return np.array(self.note["losses"], np.float64) if "losses" in self.note else None


@dataclass(frozen=True)
class Profile:
    """All statistics."""

    columns: Mapping[str, Distribution]
    outputs: Mapping[str, Distribution]
    quality: Mapping[str, Mapping[str, float]]
    """``mean``, ``sd`` and ``rows`` of each outcome of a held-out row."""
    metrics: Mapping[str, Mapping[str, float]]
    """``value`` and ``error`` of each metric of the task."""
    correction: Correction | None
    """Correction of the expected quality."""
    calibration: KnownCalibration | None = None
    """None in files of older versions, and if there are too few test rows."""

    @classmethod
    def of_note(cls, note: Mapping[str, Any]) -> "Profile":
        """Read the note of a file."""
        columns, outputs = (
            {name: Distribution(name, entry) for name, entry in note[part].items()}
            for part in ("columns", "outputs")
        )
        correction = Correction.of_note(note["correction"]) if "correction" in note else None
        known = calibration_of_note(note["calibration"]) if "calibration" in note else None
        return cls(columns, outputs, note["quality"], note["metrics"], correction, known)
