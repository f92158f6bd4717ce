"""Runs of models that requests share."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from time import perf_counter

import msgspec
import numpy as np

from onward.serving.column_arrays import LISTS
from onward.serving.server.messages import Response
from onward.serving.server.prediction import Prediction, Run, Timing
from onward.serving.server.served_model import ServedModel
from onward.serving.tabular_inputs import Values

MOST = 64  # rows of a shared run; it keeps the event loop from others for a few milliseconds


class Pending(msgspec.Struct, frozen=True):
    """A request whose rows are to be predicted."""

    model: ServedModel
    columns: Mapping[str, Values]
    """Lists or arrays; one value, or one row of values, for each row."""
    rows: int
    parse: float
    """Seconds, as in `Timing`."""
    convert: float
    respond: Callable[[Prediction], Response]

    def response(self) -> Response:
        """The response, by a run of its own.

        Raises:
            DataError: naming column, row and value, if one does not fit the model.
        """
        [prediction] = _run([self])
        return self.respond(prediction)


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
        if batch:
            _answer(batch)
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


def _answer(batch: Sequence[Waiting]) -> None:
    """Give each request its prediction, or the error that it alone raises."""
    try:
        predictions = _run([pending for pending, _ in batch])
    except Exception as error:  # noqa: BLE001 (raised by who waits)
        if len(batch) == 1:
            batch[0][1].set_exception(error)
            return
        middle = len(batch) // 2  # the requests whose values fit must get their answers
        _answer(batch[:middle])
        _answer(batch[middle:])
    else:
        for (_, future), prediction in zip(batch, predictions, strict=True):
            future.set_result(prediction)


def _run(batch: Sequence[Pending]) -> list[Prediction]:
    """The prediction of each request.

    Raises:
        DataError: if a value of one of them does not fit the model.
    """
    model, rows = batch[0].model, sum(pending.rows for pending in batch)
    start = perf_counter()
    feed = model.feed(_columns(batch))
    converted = perf_counter()
    run = Run(model, feed, model.run(feed), rows)
    seconds = perf_counter() - converted
    predictions, first = [], 0
    for pending in batch:
        share = pending.rows / max(1, rows)
        convert = pending.convert + share * (converted - start)
        timing = Timing(pending.parse, convert, share * seconds)
        predictions.append(Prediction(run, first, pending.rows, timing))
        first += pending.rows
    return predictions


def _columns(batch: Sequence[Pending]) -> Mapping[str, Values]:
    """The columns of all rows: to convert them at once takes a fifth of the time."""
    if len(batch) == 1:
        return batch[0].columns
    return {
        name: _joined([pending.columns[name] for pending in batch])
        for name in batch[0].model.fields
    }


def _joined(parts: Sequence[Values]) -> Values:
    """The values of several requests.

    An array only if all are arrays of one type: numpy would round large integers beside floats.
    """
    if LISTS.issuperset(map(type, parts)):
        return list(chain.from_iterable(parts))
    types = {part.dtype if isinstance(part, np.ndarray) else None for part in parts}
    if len(types) == 1:
        return np.concatenate(parts)
    lists = (part.tolist() if isinstance(part, np.ndarray) else part for part in parts)
    return list(chain.from_iterable(lists))
