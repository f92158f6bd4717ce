"""The state of a server process."""

from dataclasses import dataclass


@dataclass
class State:
    """Changed by the event loop only."""

    waiting: int = 0
    """Requests with a body that have begun and are not answered."""
    is_draining: bool = False
    """Whether it is shutting down: not ready, but still answering."""
    shed: int = 0
    """Requests refused because too many were waiting."""
