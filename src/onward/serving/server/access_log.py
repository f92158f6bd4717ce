"""The access log: a line of JSON per request, without values, query or address."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

from onward.serving.server.exchange import Exchange

DELAY = 0.2  # seconds in which lines are gathered, so that writing them costs one call
_encode = msgspec.json.Encoder().encode


class Line(msgspec.Struct, gc=False):
    """The line of a request."""

    time: datetime
    method: str
    path: str
    status: int
    ms: float
    rows: int | None
    bytes_in: int
    bytes_out: int
    model: str | None
    version: str | None
    id: str


class AccessLog:
    """Writes to standard output."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def observe(self, exchange: Exchange) -> None:
        """Note a request."""
        prediction = exchange.prediction
        line = Line(
            datetime.now(UTC),
            exchange.method,
            exchange.template,
            exchange.status,
            round(exchange.seconds * 1e3, 3),
            prediction.rows if prediction else None,
            exchange.bytes_in,
            exchange.bytes_out,
            prediction.model.name if prediction else None,
            prediction.model.version if prediction else None,
            exchange.id,
        )
        self._add(_encode(line))

    def write(self, event: dict[str, Any]) -> None:
        """Write another event, with the time."""
        self._add(_encode({"time": datetime.now(UTC)} | event))

    def flush(self) -> None:
        """Write the buffered lines."""
        if self._lines:
            sys.stdout.buffer.write(b"\n".join([*self._lines, b""]))
            sys.stdout.buffer.flush()
            self._lines.clear()

    def _add(self, line: bytes) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_later(DELAY, self.flush)
        self._lines.append(line)
