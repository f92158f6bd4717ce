"""What to monitor, and the command for it."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onward.monitoring.windows import Period


@dataclass(frozen=True)
class MonitorJob:
    """A model file, a log to compare with its training rows, and labels."""

    model: Path
    log: Path
    labels: Path | None
    on: str | None
    """The id column of labels and rows."""
    by: Period | None
    """Length of a window of time, if it is named."""
    time: str | None
    rows: int | None
    """Rows of a window; None for windows of time, or for two halves without a time column."""

    def command(self, by: Period | None, labels: bool) -> str:
        """The command for the same windows, or those of another length."""
        options: dict[str, Any] = {"--time": self.time, "--rows": self.rows}
        options["--by"] = None if by == "day" else by
        if labels:
            options |= {"--labels": self.labels or "TABLE", "--on": self.on or "ID"}
        words = [f"{name} {shlex.quote(str(value))}" for name, value in options.items() if value]
        paths = shlex.join([str(self.model), str(self.log)])
        return " ".join([f"onward monitor {paths}", *words])
