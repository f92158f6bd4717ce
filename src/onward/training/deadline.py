"""An end for a rank whose peers are lost: the device waits for them without a limit of its own.

gloo raises an error when a message is late. NCCL's watchdog ends the process by a signal, and does
not see messages inside a CUDA graph at all: their kernels spin, and the host waits for them.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from onward.errors import PeerError

POLL_S = 2e-4  # between two looks at the device; a chunk of steps takes some 60 ms


class Deadline:
    """A block that ends the process if it takes too long, unless it is postponed.

    The process ends without cleaning up, which would wait for the device as well. What it has
    written is whole: files appear by a rename.

    Args:
        seconds: until then.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._until = seconds, 0.0
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        self.postpone()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()

    def postpone(self) -> None:
        """Have it begin again."""
        self._until = time.monotonic() + self._seconds

    def _watch(self) -> None:
        while not self._is_over.wait(max(0.0, self._until - time.monotonic())):
            if time.monotonic() >= self._until:
                sys.stderr.write(f"{lost_peer(self._seconds)}\n")
                sys.stderr.flush()
                os._exit(PeerError.exit_code)


def lost_peer(seconds: float, cause: str = "the device waits for it") -> str:
    """The message about another process of a training that does not answer."""
    return (
        f"train: another process of this training has ended, or did not answer for {seconds:.0f} s."
        " See its message, and start all processes again: they resume from the last checkpoint"
        f" ({cause})"
    )


def await_progress(
    is_done: Callable[[], bool], progress: Callable[[], int], seconds: float
) -> None:
    """Wait until it is done; end the process if there is no progress for some time.

    Args:
        is_done: looks without waiting.
        progress: a number that changes; it may wait.
        seconds: without progress.
    """
    with Deadline(seconds) as deadline:
        last = None
        while not is_done():
            now = progress()
            if now != last:
                deadline.postpone()
                last = now
            time.sleep(POLL_S)
