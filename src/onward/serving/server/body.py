"""The body of a request, within limits of size and time."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from onward.serving.server.refusal import Refusal

Receive = Callable[[], Awaitable[dict[str, Any]]]
WINDOWS = {b"gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}  # for zlib


class ClientGoneError(Exception):
    """The caller closed the connection."""


def check_headers(headers: Mapping[bytes, bytes], max_bytes: int) -> None:
    """Refuse a body by its headers, before reading it.

    Raises:
        Refusal: 413 if it is too large, 415 if its encoding is unknown.
    """
    length = headers.get(b"content-length", b"0")
    if len(length) > len(str(max_bytes)) or int(length) > max_bytes:
        raise _too_large(max_bytes)
    encoding = _encoding(headers)
    if encoding != b"identity" and encoding not in WINDOWS:
        raise Refusal(415, "unknown content-encoding; expected gzip, deflate or identity")


async def read_body(
    receive: Receive, headers: Mapping[bytes, bytes], max_bytes: int, timeout_s: float
) -> bytes:
    """All bytes of a body, unpacked.

    Raises:
        Refusal: 400 if it cannot be unpacked, 408 if it takes too long, 413 if it is too large.
        ClientGoneError: if the caller does not wait for an answer.
    """
    try:
        async with asyncio.timeout(timeout_s):
            body = await _receive(receive, max_bytes)
    except TimeoutError as error:
        raise Refusal(408, f"the body did not arrive within {timeout_s:g} s") from error
    window = WINDOWS.get(_encoding(headers))
    return body if window is None else _unpack(body, window, max_bytes)


def _encoding(headers: Mapping[bytes, bytes]) -> bytes:
    return headers.get(b"content-encoding", b"identity").lower()


async def _receive(receive: Receive, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        parts.append(message["body"])
        size += len(parts[-1])
        if size > max_bytes:
            raise _too_large(max_bytes)
        if not message["more_body"]:
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _unpack(body: bytes, window: int, max_bytes: int) -> bytes:
    """Decompress the body, up to the limit."""
    unpacker = zlib.decompressobj(window)
    try:
        unpacked = unpacker.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise Refusal(400, "the body does not match its content-encoding") from error
    if len(unpacked) > max_bytes:
        raise _too_large(max_bytes)
    if not unpacker.eof:
        raise Refusal(400, "the compressed body is truncated")
    if unpacker.unused_data:  # such as a second member of gzip: its rows must not be lost
        raise Refusal(400, "the compressed body has bytes after its end. Compress it as a whole")
    return unpacked


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(413, f"the body has more than {max_bytes} bytes. Send several requests")
