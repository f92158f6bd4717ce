"""The windows of a log."""

from dataclasses import dataclass
from typing import Any

from onward.monitoring.tally import Tally, WindowCounts
from onward.monitoring.windows import LEAST_ROWS, Period, window_name

COMPLETE = 0.8  # share of rows with a label; the first labels may be a biased sample


@dataclass(frozen=True)
class Log:
    """The windows of a log, in order."""

    keys: list[int]
    windows: list[WindowCounts]
    period: Period | None

    @classmethod
    def of(cls, tally: Tally, period: Period | None) -> "Log":
        """The windows of a tally."""
        keys = sorted(tally.windows)
        return cls(keys, [tally.windows[key] for key in keys], period)

    @property
    def names(self) -> list[str]:
        """Names of the windows."""
        return [window_name(key, self.period) for key in self.keys]

    @property
    def is_labelled(self) -> list[bool]:
        """Whether each window has enough rows, nearly all of them with a label."""
        return [
            window.labelled >= max(LEAST_ROWS, COMPLETE * window.rows) for window in self.windows
        ]

    def latest(self) -> WindowCounts | None:
        """The last window with enough rows."""
        enough = [window for window in self.windows if window.rows >= LEAST_ROWS]
        return enough[-1] if enough else None


def short(value: Any) -> float:
    """A number with five significant digits, for documents."""
    return float(f"{float(value):.5g}")
