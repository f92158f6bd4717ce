"""The input of all diagnostics."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from onward.schema import Field
from onward.tasks import Array, Predictions, Task


@dataclass(frozen=True)
class HeldOut:
    """The test set with predictions."""

    task: Task
    columns: tuple[Field, ...]
    """The input columns of the model."""
    rows: pl.DataFrame
    """Raw values of the input columns."""
    row_numbers: Array
    """Row numbers in the table, from 1."""
    target: Array
    """Codes of classes, or numbers."""
    predictions: Predictions
    baseline: Predictions
    """Predictions of boosted trees for the same rows."""

    def subset(self, most: int, random: np.random.Generator) -> "HeldOut":
        """A random subset of at most so many rows, in their order."""
        if len(self.target) <= most:
            return self
        return self.where(np.sort(random.permutation(len(self.target))[:most]))

    def where(self, chosen: Array) -> "HeldOut":
        """The rows at these indices, or where the mask is true."""
        predictions, baseline = (
            {name: values[chosen] for name, values in values_by_name.items()}
            for values_by_name in (self.predictions, self.baseline)
        )
        indices = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return replace(
            self,
            rows=self.rows[indices],
            row_numbers=self.row_numbers[chosen],
            target=self.target[chosen],
            predictions=predictions,
            baseline=baseline,
        )
