"""The state of a server process."""

from dataclasses import dataclass

LONGEST_WAIT = 0.025  # seconds
FEWEST, MOST = 3, 64  # requests
MEMORY = 0.05  # share of the last request in the mean


@dataclass
class State:
    """Changed by the event loop only."""

    waiting: int = 0
    """Requests with a body that have begun and are not answered."""
    ready: int = 0
    """Those of them whose body is there."""
    is_draining: bool = False
    """Whether it is shutting down: not ready, but still answering."""
    shed: int = 0
    """Requests refused because too many were waiting."""
    seconds: float = 0.0
    """That a request took lately, on average; 0 before the first."""

    def took(self, seconds: float) -> None:
        """Note the duration of one more request."""
        self.seconds += (seconds - self.seconds) * (MEMORY if self.seconds else 1.0)

    def most_ready(self) -> int:
        """The limit of ``ready``: as many requests as wait 25 ms, between 3 and 64.

        More would only make all of them late: while there are too many, each that is taken waits
        for the whole queue. With three, an answer takes three times as long as alone.
        """
        if not self.seconds:
            return MOST
        return max(FEWEST, min(MOST, int(LONGEST_WAIT / self.seconds)))
