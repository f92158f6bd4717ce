"""Runs of models that requests share."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from onward.serving.input_arrays import Array
from onward.serving.server.messages import Response
from onward.serving.server.prediction import Prediction, Timing
from onward.serving.server.served_model import ServedModel

MOST = 64  # rows of a shared run; it keeps the event loop from others for a few milliseconds


@dataclass(frozen=True, slots=True)
class Pending:
    """A request whose rows are to be predicted."""

    model: ServedModel
    feed: Mapping[str, Array]
    """Arrays that the model can read, ``(rows, ...)`` for each column."""
    rows: int
    parse: float
    """Seconds, as in `Timing`."""
    convert: float
    respond: Callable[[Prediction], Response]

    def response(self) -> Response:
        """The response, by a run of its own."""
        [prediction] = _run([self])
        return self.respond(prediction)

    def predicted(self, outputs: Mapping[str, Array], seconds: float) -> Prediction:
        """The prediction of its rows, and the seconds of the run that they took."""
        timing = Timing(self.parse, self.convert, seconds)
        return Prediction(self.model, self.feed, outputs, self.rows, timing)


Waiting = tuple[Pending, asyncio.Future[Prediction]]


class Batches:
    """Runs a model once for all requests that the event loop finds ready together.

    Eight rows take 3.5 times as long as one. Nobody waits for requests that are yet to come.
    """

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []

    def add(self, pending: Pending) -> asyncio.Future[Prediction]:
        """The prediction, once all requests that are ready now are here."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._run_first, loop)
        future: asyncio.Future[Prediction] = loop.create_future()
        self._waiting.append((pending, future))
        return future

    def _run_first(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._waiting = _first_batch(self._waiting)
        try:
            predictions = _run([pending for pending, _ in batch]) if batch else []
        except Exception as error:  # noqa: BLE001 (raised by who waits)
            for _, future in batch:
                future.set_exception(error)
        else:
            for (_, future), prediction in zip(batch, predictions, strict=True):
                future.set_result(prediction)
        if self._waiting:  # after the answers to this batch
            loop.call_soon(self._run_first, loop)


def _first_batch(waiting: Sequence[Waiting]) -> tuple[list[Waiting], list[Waiting]]:
    """Requests of the model of the first one, of few rows together; and the others."""
    batch: list[Waiting] = []
    others: list[Waiting] = []
    rows = 0
    for pending, future in waiting:
        if future.cancelled():  # a shutdown that waits no longer
            continue
        if not batch or (pending.model is batch[0][0].model and rows + pending.rows <= MOST):
            batch.append((pending, future))
            rows += pending.rows
        else:
            others.append((pending, future))
    return batch, others


def _run(batch: Sequence[Pending]) -> list[Prediction]:
    """The prediction of each request."""
    model, feed = batch[0].model, batch[0].feed
    if len(batch) > 1:
        feed = {name: np.concatenate([one.feed[name] for one in batch]) for name in feed}
    start = perf_counter()
    outputs = model.run(feed)
    seconds = perf_counter() - start
    if len(batch) == 1:
        return [batch[0].predicted(outputs, seconds)]
    total = max(1, sum(one.rows for one in batch))
    predictions, first = [], 0
    for one in batch:
        last = first + one.rows
        own = {name: array[first:last] for name, array in outputs.items()}
        predictions.append(one.predicted(own, seconds * one.rows / total))
        first = last
    return predictions
