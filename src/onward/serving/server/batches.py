"""Runs of models that requests share."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from onward.serving.input_arrays import Array
from onward.serving.server.messages import Response
from onward.serving.server.served_model import ServedModel

MOST = 64  # rows of a shared run; it keeps the event loop from others for a few milliseconds


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of the rows of a request."""

    arrays: Mapping[str, Array]
    seconds: float
    """Of the run; of a shared one the part of these rows."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A request whose rows are to be predicted."""

    model: ServedModel
    feed: Mapping[str, Array]
    """Arrays that the model can read, ``(rows, ...)`` for each column."""
    rows: int
    respond: Callable[[Outputs], Response]

    def response(self) -> Response:
        """Of a run of its own."""
        [outputs] = _run([self])
        return self.respond(outputs)


Waiting = tuple[Pending, asyncio.Future[Outputs]]


class Batches:
    """Runs a model once for all requests that the event loop finds ready together.

    Eight rows take three times as long as one. Nobody waits for requests that are yet to come.
    """

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []

    def add(self, pending: Pending) -> asyncio.Future[Outputs]:
        """The outputs, once all requests that are ready now are here."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._run_all)
        future: asyncio.Future[Outputs] = loop.create_future()
        self._waiting.append((pending, future))
        return future

    def _run_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for batch in _batches(waiting):
            try:
                outputs = _run([pending for pending, _ in batch])
            except Exception as error:  # noqa: BLE001 (raised by who waits)
                for _, future in batch:
                    future.set_exception(error)
            else:
                for (_, future), own in zip(batch, outputs, strict=True):
                    future.set_result(own)


def _batches(waiting: Sequence[Waiting]) -> Iterator[list[Waiting]]:
    """Requests of one model, of few rows together."""
    batches: dict[ServedModel, list[Waiting]] = {}
    for one in waiting:
        model, rows = one[0].model, one[0].rows
        batch = batches.setdefault(model, [])
        if batch and sum(pending.rows for pending, _ in batch) + rows > MOST:
            yield batch
            batch = batches[model] = []
        batch.append(one)
    yield from batches.values()


def _run(batch: Sequence[Pending]) -> list[Outputs]:
    """The outputs of each request."""
    model, feed = batch[0].model, batch[0].feed
    if len(batch) > 1:
        feed = {name: np.concatenate([one.feed[name] for one in batch]) for name in feed}
    start = perf_counter()
    arrays = model.run(feed)
    seconds = perf_counter() - start
    if len(batch) == 1:
        return [Outputs(arrays, seconds)]
    total = max(1, sum(one.rows for one in batch))
    outputs, first = [], 0
    for one in batch:
        last = first + one.rows
        own = {name: array[first:last] for name, array in arrays.items()}
        outputs.append(Outputs(own, seconds * one.rows / total))
        first = last
    return outputs
