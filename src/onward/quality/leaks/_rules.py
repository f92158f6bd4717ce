"""What a config says about leaks."""

from typing import Literal

from onward.settings.family import Settings


class LeakRules(Settings):
    """What may look like a leak and is none, and what must not lie across the splits.

    ``accept``: columns that tell the target, but are known when a prediction is made.
    ``repeated_rows``: whether held-out rows may repeat training rows.
    ``groups``: columns no value of which may be on both sides; ``group`` splits by one of them.
    ``time``: a column by which all training rows must come before all held-out ones.
    """

    accept: tuple[str, ...] = ()
    repeated_rows: Literal["refuse", "accept"] = "refuse"
    groups: tuple[str, ...] = ()
    time: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """That are read for the checks, whether or not anything is predicted from them."""
        return self.groups if self.time is None else (*self.groups, self.time)
