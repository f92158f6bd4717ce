"""A second model that predicts the same rows without answering."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from onward.serving.server.exchange import Exchange
from onward.serving.server.prediction import Prediction
from onward.serving.server.served_model import ServedModel

MOST = 64  # predictions that wait; more are skipped, and counted


@dataclass(frozen=True, slots=True)
class Difference:
    """The differences of two models on the rows of a request."""

    labels: int
    """Rows of another label."""
    total: float
    """Of each row's largest difference of a number."""
    largest: float


class Shadow:
    """Predicts in a thread after the answer was sent, and logs the differences."""

    def __init__(self, model: ServedModel, write: Callable[[dict[str, Any]], None]) -> None:
        self._model = model
        self._write = write
        self._thread = ThreadPoolExecutor(1)
        self._waiting = 0
        self._rows = self._other_labels = self._skipped = 0
        self._difference = 0.0

    def observe(self, exchange: Exchange) -> None:
        """Predict the rows of a request with the shadow model."""
        prediction = exchange.prediction
        if prediction is None or prediction.model.name != self._model.name:
            return
        if self._waiting >= MOST:
            self._skipped += prediction.rows
            return
        self._waiting += 1
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._thread, self._compare, prediction)
        future.add_done_callback(lambda done: self._note(exchange.id, prediction, done))

    def samples(self) -> Iterator[tuple[str, float]]:
        """For the metrics."""
        yield "onward_shadow_rows_total", self._rows
        yield "onward_shadow_skipped_total", self._skipped
        yield "onward_shadow_other_labels_total", self._other_labels
        yield "onward_shadow_difference_total", self._difference

    def _compare(self, prediction: Prediction) -> Difference:
        feed = prediction.feed
        self._model.check(feed)
        others = self._model.run(feed)
        labels, largest = 0, np.zeros(prediction.rows)
        for name, array in prediction.outputs.items():
            if array.dtype == object:
                labels += int((array != others[name]).sum())
            else:
                difference = np.abs(array - others[name]).reshape(prediction.rows, -1)
                largest = np.maximum(largest, difference.max(axis=1, initial=0))
        return Difference(labels, float(largest.sum()), float(largest.max(initial=0)))

    def _note(
        self, request_id: str, prediction: Prediction, done: asyncio.Future[Difference]
    ) -> None:
        self._waiting -= 1
        if done.exception() is not None:  # such as a text that this model cannot read
            self._skipped += prediction.rows
            return
        difference = done.result()
        self._rows += prediction.rows
        self._other_labels += difference.labels
        self._difference += difference.total
        self._write(
            {
                "shadow": self._model.version,
                "version": prediction.model.version,
                "id": request_id,
                "rows": prediction.rows,
                "other_labels": difference.labels,
                "largest_difference": difference.largest,
            }
        )
