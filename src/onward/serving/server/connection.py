"""A connection whose requests begin in time and with few bytes, which uvicorn does not ask for.

Source: RFC 9110, section 15.5.9 (408); RFC 6585, section 5 (431).
"""

import asyncio

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SECONDS = 10.0  # in which the head of a request has to arrive
MOST_BYTES = 64 << 10  # of headers, but for what arrives with their first and last bytes


class Connection(HttpToolsProtocol):
    """Closed if headers are slow or large, before anything of them is looked at.

    Headers may also come after the body, as trailers. Nobody reads those.
    """

    _is_in_message = _is_in_head = False
    _header_bytes = 0
    """Of a request, since a part of it has begun or ended: its head, a piece of its body."""
    _has_new_part = False
    """Whether one has in the data that was received last."""
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._end_head()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Wait for the rest of the head."""
        super().on_message_begin()
        self._expect_head()
        self._is_in_message = self._is_in_head = self._has_new_part = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Forget what comes after the body."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The body has limits of its own."""
        self._end_head()
        self._has_new_part = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count from here on."""
        self._has_new_part = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._is_in_message = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Count what belongs to headers and does not end them."""
        self._has_new_part = False
        super().data_received(data)
        if self._has_new_part or not self._is_in_message:
            self._header_bytes = 0
            return
        self._header_bytes += len(data)
        if self._header_bytes > MOST_BYTES and not self.transport.is_closing():
            most = f"the headers have more than {MOST_BYTES >> 10} kB"
            self._refuse(b"431 Request Header Fields Too Large", most)

    def _expect_head(self) -> None:
        self._end_head()
        self._deadline = self.loop.call_later(SECONDS, self._give_up)

    def _end_head(self) -> None:
        self._is_in_head = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self._is_in_head:
            late = f"the headers did not arrive within {SECONDS:g} s"
            self._refuse(b"408 Request Timeout", late)
        self.transport.close()

    def _refuse(self, status: bytes, message: str) -> None:
        body = msgspec.json.encode({"error": message})
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        end = b"connection: close\r\n\r\n"
        self._end_head()
        self.transport.write(head % (status, len(body)) + end + body)
        self.transport.close()
