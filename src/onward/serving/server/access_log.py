"""A line of JSON for each request: no values, no query, no address."""

import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from onward.serving.server.exchange import Exchange

DELAY = 0.2  # seconds in which lines are gathered, so that writing them costs one call
_encode = msgspec.json.Encoder().encode


class AccessLog:
    """Writes to standard output."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def observe(self, exchange: Exchange) -> None:
        """Note a request."""
        prediction = exchange.prediction
        line = {
            "method": exchange.method,
            "path": exchange.template,
            "status": exchange.status,
            "ms": round(exchange.seconds * 1e3, 3),
            "rows": prediction.rows if prediction else None,
            "bytes_in": exchange.bytes_in,
            "bytes_out": exchange.bytes_out,
            "model": prediction.model.name if prediction else None,
            "version": prediction.model.version if prediction else None,
            "id": exchange.id,
        }
        self.write(line)

    def write(self, line: dict[str, Any]) -> None:
        """Note anything, with the time."""
        if not self._lines:
            asyncio.get_running_loop().call_later(DELAY, self.flush)
        now = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
        self._lines.append(_encode({"time": now} | line))

    def flush(self) -> None:
        """Write what was gathered."""
        if self._lines:
            sys.stdout.buffer.write(b"\n".join([*self._lines, b""]))
            sys.stdout.buffer.flush()
            self._lines.clear()
