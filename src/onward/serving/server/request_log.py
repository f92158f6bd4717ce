"""The request log: requests and predictions, in files for monitoring.

A thread writes JSON lines, since a Parquet writer would need more memory than the server. A
separate process converts finished parts to Parquet if polars is installed.
"""

import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from onward.serving.input_arrays import Array
from onward.serving.output_columns import probability_columns
from onward.serving.server.exchange import Exchange
from onward.serving.server.prediction import Prediction
from onward.serving.server.sampling import is_sampled
from onward.wires import Wire

logger = logging.getLogger(__name__)

QUEUED = 1_000  # predictions that wait to be written; more are dropped, and counted
ROWS = 50_000  # in a part
AGE = 300.0  # seconds until a part is finished
TICK = 1.0  # seconds until what was written is in the file
PREFIX = "onward/"  # of columns of ours; no column of a table may begin so
_encode = msgspec.json.Encoder().encode


class RequestLog:
    """Appends predictions to parts in a folder, without delaying requests."""

    def __init__(self, folder: Path, share: float, columns: frozenset[str] | None) -> None:
        self._share = share
        self._columns = columns
        self._queue: queue.Queue[tuple[float, str, Prediction] | None] = queue.Queue(QUEUED)
        self._part = _Part(folder)
        self._dropped = 0
        self._is_failing = False
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def observe(self, exchange: Exchange) -> None:
        """Log a prediction, if its request is in the sample."""
        if exchange.prediction is None or not is_sampled(exchange.id, self._share, "log"):
            return
        try:
            self._queue.put_nowait((time.time(), exchange.id, exchange.prediction))
        except queue.Full:
            self._dropped += exchange.prediction.rows

    def samples(self) -> Iterator[tuple[str, float]]:
        """For the metrics."""
        yield "onward_log_dropped_total", self._dropped

    def close(self) -> None:
        """Write the queue and finish the part."""
        self._queue.put(None)
        self._thread.join()

    def _write(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=TICK)
            except queue.Empty:
                self._try(self._part.flush)
                continue
            if item is None:
                self._try(self._part.finish)
                return
            lines, types = list(self._lines(*item)), _types(item[2])
            if not self._try(partial(self._part.append, lines, types)):
                self._dropped += len(lines)

    def _try(self, write: Callable[[], None]) -> bool:
        """Whether it was written. A full disk must not end the thread, which `close` waits for."""
        try:
            write()
        except OSError as error:
            if not self._is_failing:
                logger.warning("request log: %s. Rows are dropped until it works again", error)
            self._is_failing = True
            return False
        self._is_failing = False
        return True

    def _lines(self, moment: float, request_id: str, prediction: Prediction) -> Iterator[bytes]:
        columns = {
            name: _inputs(array, prediction.model.vectors.get(name))
            for name, array in prediction.feed.items()
            if self._columns is None or name in self._columns
        }
        # an input of the same name comes first: the monitor then predicts again
        columns = _outputs(prediction) | columns
        ours = {
            f"{PREFIX}time": datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds"),
            f"{PREFIX}id": request_id,
            f"{PREFIX}version": prediction.model.version,
        }
        for row in zip(*columns.values(), strict=True):
            values = (None if value == "" else value for value in row)  # NaN becomes null, too
            yield _encode(ours | dict(zip(columns, values, strict=True))) + b"\n"


def _inputs(array: Array, wire: Wire | None) -> list[Any]:
    """The values of a column, or lists of the values of its rows."""
    if wire is None:
        values: list[Any] = array.ravel().tolist()
        return values
    is_missing = wire.is_missing(array).tolist()
    return [None if gap else row for row, gap in zip(array.tolist(), is_missing, strict=True)]


def _outputs(prediction: Prediction) -> dict[str, list[Any]]:
    """One column per output and per class probability."""
    columns: dict[str, list[Any]] = {}
    classes = prediction.model.schema.target.classes
    for name, array in prediction.outputs.items():
        if name == "probabilities":
            columns |= dict(zip(probability_columns(classes), array.T.tolist(), strict=True))
        else:
            columns[name] = array.tolist()
    return columns


def _types(prediction: Prediction) -> dict[str, str]:
    """The types of the columns, which are unknown from missing values."""
    fields = prediction.model.fields.values()
    return {field.name: field.wire for field in fields}


class _Part:
    """The open file of the folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._file: BinaryIO | None = None
        self._rows = 0
        self._end = 0.0
        self._types: dict[str, str] = {}
        self._converter: subprocess.Popen[bytes] | None = None

    def append(self, lines: list[bytes], types: dict[str, str]) -> None:
        if self._file is None:
            self._open()
        assert self._file is not None
        self._file.write(b"".join(lines))
        self._rows += len(lines)
        self._types |= types
        if self._rows >= ROWS or time.monotonic() > self._end:
            self.finish()

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()
            if time.monotonic() > self._end:
                self.finish()

    def finish(self) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None  # also if it cannot be closed
        file.close()
        path = Path(file.name)
        finished = path.with_suffix("")
        os.replace(path, finished)  # noqa: PTH105  (Path.replace says nothing more)
        self._convert(finished)

    def _open(self) -> None:
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f") + f"-{os.getpid()}.jsonl.part"
        self._file = (self._folder / name).open("wb")
        self._rows, self._end = 0, time.monotonic() + AGE

    def _convert(self, path: Path) -> None:
        if self._converter is not None:
            self._converter.wait()
        if find_spec("polars") is None:
            return
        command = [sys.executable, "-m", "onward.table.jsonl_to_parquet", str(path)]
        self._converter = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert self._converter.stdin is not None
        self._converter.stdin.write(_encode(self._types))
        self._converter.stdin.close()
