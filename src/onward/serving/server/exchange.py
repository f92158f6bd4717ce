"""A request and its answer, for logs and metrics."""

from collections.abc import Callable

import msgspec

from onward.serving.server.prediction import Prediction


class Exchange(msgspec.Struct, frozen=True):
    """A request when its answer is sent; values are in the prediction only."""

    method: str
    template: str
    """Of the path, which may hold anything itself."""
    status: int
    seconds: float
    bytes_in: int
    bytes_out: int
    id: str
    prediction: Prediction | None


Observer = Callable[[Exchange], None]
"""Called after each answer, in the event loop: it must not wait."""
