"""Clients of a server in one thread, each of which asks again as soon as it is answered."""

import selectors
import socket
from collections.abc import Callable

END = b"\r\n\r\n"  # of the headers
LENGTH = b"content-length:"
RECEIVED = 1 << 16  # bytes, at most, of one call
TIMEOUT = 60.0  # seconds without any answer

Check = Callable[[bytes], None]
"""Raises an error for the body of an answer that is wrong."""


def post(path: str, body: bytes) -> bytes:
    """The bytes of a request with a body of JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def ask(port: int, request: bytes, check: Check, clients: int, requests: int) -> None:
    """Send a request many times on some connections, which are kept.

    Each answer must have the status 200; the first one of each connection is checked.
    """
    connections = [_Connection(port, request, check) for _ in range(min(clients, requests))]
    unsent = requests
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        answered = connections
        while requests:
            for connection in answered[:unsent]:
                connection.send()
            unsent -= len(answered[:unsent])
            answered = _answered(selector)
            requests -= len(answered)
    for connection in connections:
        connection.socket.close()


def _answered(selector: selectors.BaseSelector) -> list["_Connection"]:
    """The connections whose answers are complete now."""
    ready = selector.select(TIMEOUT)
    if not ready:
        raise TimeoutError(f"no answer within {TIMEOUT:g} s")
    return [key.data for key, _ in ready if key.data.has_answer()]


class _Connection:
    """A connection with at most one request under way."""

    def __init__(self, port: int, request: bytes, check: Check) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self.socket.settimeout(None)  # reads begin when there is something, and writes are short
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._check: Check | None = check
        self._answer = b""

    def send(self) -> None:
        """Send the request; waits until the server has taken it."""
        self.socket.sendall(self._request)

    def has_answer(self) -> bool:
        """Receive; whether the answer is complete."""
        part = self.socket.recv(RECEIVED)
        if not part:
            raise ConnectionError("the server closed the connection")
        self._answer += part
        head, end, body = self._answer.partition(END)
        if not end or len(body) < _length(head):
            return False
        assert head.startswith(b"HTTP/1.1 200 "), self._answer
        if self._check is not None:
            self._check(body)
            self._check = None
        self._answer = b""
        return True


def _length(head: bytes) -> int:
    """Bytes of the body."""
    return int(head.lower().partition(LENGTH)[2].partition(b"\r\n")[0])
