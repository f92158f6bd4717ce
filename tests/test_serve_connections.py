"""Who sends the head of a request slowly, or without an end, does not hold the server."""

import socket
import time
from collections.abc import Iterator

import pytest
from example_model import example
from served import Server, serving

from onward.serving.server.connection import MOST_BYTES, SECONDS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, example(folder / "kernels.onnx"), "--grace", "0") as server:
        yield server


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS + 20)


def answer(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    parts: list[bytes] = []
    while True:
        try:
            part = connection.recv(65_536)
        except ConnectionResetError:  # it has read less than was sent
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)


CHUNKED = b"POST /predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n"


@pytest.mark.parametrize("line", [b"x: %b\r\n" % (b"a" * 1_000), b"a" * 1_000])
@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\n", CHUNKED], ids=["head", "after a body"])
def test_headers_without_end_are_refused(server: Server, start: bytes, line: bytes) -> None:
    with connect(server) as connection:
        connection.sendall(start + b"x: ")
        sent = 0
        try:
            while sent < 4 << 20:
                connection.sendall(line)
                sent += len(line)
                time.sleep(0.001)
        except ConnectionError:
            pass
        assert MOST_BYTES <= sent < 4 << 20
    assert server.get("/v2/health/live").status == 200


def test_headers_after_a_body_count_for_nothing(server: Server) -> None:
    with connect(server) as connection:
        connection.sendall(CHUNKED + b"x-request-id: late\r\n\r\n")
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nconnection: close\r\n\r\n")
        said = answer(connection)
    assert said.count(b"HTTP/1.1 200 ") == 2
    assert b"late" not in said


def test_a_head_without_end_is_told_why(server: Server) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nx: ")
        time.sleep(0.2)
        connection.sendall(b"a" * (MOST_BYTES + 1))
        said = answer(connection)
    assert said.startswith(b"HTTP/1.1 431 ")
    assert said.endswith(b'{"error":"the headers have more than 64 kB"}')


def test_slow_heads_end_and_others_go_on(server: Server) -> None:
    start = time.monotonic()
    with connect(server) as silent, connect(server) as slow, connect(server) as second:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        second.sendall(b"GET /v2/health/live HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\n")
        assert server.get("/v2/health/live").status == 200
        assert answer(silent) == b""
        assert answer(slow).startswith(b"HTTP/1.1 408 ")
        assert answer(second).count(b"HTTP/1.1 408 ") == 1
    assert time.monotonic() - start > SECONDS - 1


def test_a_slow_body_ends_the_connection(server: Server) -> None:
    begin = time.monotonic()
    with connect(server) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n[")
        said = answer(connection)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in said
    assert time.monotonic() - begin < SECONDS + 5


def test_a_body_is_no_head(server: Server) -> None:
    """A large request that comes in one piece, then in many."""
    body = b"[" + b" " * (8 * MOST_BYTES) + b"]"
    head = b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n" % len(body)
    for pieces in (1, 50):
        whole = head + b"connection: close\r\n\r\n" + body
        with connect(server) as connection:
            size = -(-len(whole) // pieces)
            for first in range(0, len(whole), size):
                connection.sendall(whole[first : first + size])
            assert answer(connection).startswith(b"HTTP/1.1 200 ")
