"""Settings of the leakage checks."""

from typing import Literal

from onward.settings.family import Settings


class LeakRules(Settings):
    """Exceptions from the leakage checks, and columns that must not overlap between the splits.

    ``accept``: columns that explain the target, but are known at prediction time.
    ``repeated_rows``: whether held-out rows may duplicate training rows.
    ``groups``: columns whose values must not be in both training and held-out rows, as with the
    split ``group``.
    ``time``: column by which all training rows must be earlier than all held-out rows.
    """

    accept: tuple[str, ...] = ()
    repeated_rows: Literal["refuse", "accept"] = "refuse"
    groups: tuple[str, ...] = ()
    time: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns to read for the checks, whether or not they are inputs of the model."""
        return self.groups if self.time is None else (*self.groups, self.time)
