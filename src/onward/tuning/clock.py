"""The seconds of the training under way, on disk: a kill must not make a budget longer."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TICK = 1.0  # seconds between two notes, and so the most that a kill hides


class Clock:
    """Notes how long a training has taken so far.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def running(self, lines: int) -> Iterator[None]:
        """A context in which the time is noted.

        Args:
            lines: of the journal, to which the training will add.
        """
        started, done = time.monotonic(), threading.Event()

        def note() -> None:
            document = {"lines": lines, "seconds": round(time.monotonic() - started, 3)}
            new = self._path.with_suffix(".new")
            new.write_text(json.dumps(document))
            new.replace(self._path)  # at once: a cut file would hide all of the time

        def keep_noting() -> None:
            while not done.wait(TICK):
                note()

        thread = threading.Thread(target=keep_noting, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            note()

    def reset(self) -> None:
        """Forget the time of a training of another search."""
        self._path.unlink(missing_ok=True)

    def lost(self, lines: int) -> float:
        """The seconds of a training that never got into the journal.

        Args:
            lines: of the journal now.
        """
        try:
            document = json.loads(self._path.read_text())
        except (OSError, ValueError):  # none, or cut by a loss of power
            return 0.0
        return float(document["seconds"]) if document["lines"] == lines else 0.0
