"""What all diagnostics look at."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from onward.schema import Field
from onward.tasks import Array, Predictions, Task


@dataclass(frozen=True)
class HeldOut:
    """Rows that nothing was learned from, and what is predicted for them."""

    task: Task
    columns: tuple[Field, ...]
    """The model's."""
    rows: pl.DataFrame
    """The model's columns, raw."""
    row_numbers: Array
    """Which row of the table each of them is, from 1."""
    target: Array
    """Codes of classes, or numbers."""
    predictions: Predictions
    yardstick: Predictions
    """Of another model, for the same rows."""

    def some(self, most: int, random: np.random.Generator) -> "HeldOut":
        """At most so many rows, drawn, in their order."""
        if len(self.target) <= most:
            return self
        return self.where(np.sort(random.permutation(len(self.target))[:most]))

    def where(self, chosen: Array) -> "HeldOut":
        """The rows at these places, or where the mask is true."""
        predictions, yardstick = (
            {name: values[chosen] for name, values in each.items()}
            for each in (self.predictions, self.yardstick)
        )
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return replace(
            self,
            rows=self.rows[places],
            row_numbers=self.row_numbers[chosen],
            target=self.target[chosen],
            predictions=predictions,
            yardstick=yardstick,
        )
