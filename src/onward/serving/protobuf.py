"""Read the wire format of protocol buffers. Standard library only.

Source: https://protobuf.dev/programming-guides/encoding
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT = 10  # bytes of 64 bits, 7 in each
SIXTY_FOUR_BITS = 2**64 - 1


class MalformedError(ValueError):
    """The bytes are not those of a message."""


class Entry(NamedTuple):
    """One field of a message."""

    number: int
    value: int | memoryview
    """The number, or the bytes: of a text, a message or several numbers."""
    raw: memoryview
    """The whole field, its tag included."""

    @property
    def message(self) -> memoryview:
        """The bytes.

        Raises:
            MalformedError: if it is a number.
        """
        if isinstance(self.value, int):
            raise MalformedError(f"field {self.number} is a number, and bytes are expected")
        return self.value

    @property
    def text(self) -> str:
        """The bytes as text.

        Raises:
            MalformedError: if they are not UTF-8.
        """
        try:
            return str(self.message, "utf-8")
        except UnicodeDecodeError as error:
            raise MalformedError(f"the text of field {self.number} is not UTF-8") from error


def entries(message: memoryview) -> Iterator[Entry]:
    r"""The fields of a message, in order.

    Raises:
        MalformedError: if the bytes are not a message.

    Example:
        >>> [(entry.number, entry.value) for entry in entries(memoryview(b"\x08\x96\x01"))]
        [(1, 150)]
    """
    start = 0
    while start < len(message):
        tag, position = _varint(message, start)
        number, kind = tag >> 3, tag & 7
        value: int | memoryview
        if kind == VARINT:
            value, end = _varint(message, position)
        else:
            size, position = _size(message, kind, position)
            end = position + size
            value = message[position:end]
        if end > len(message) or not number:
            raise MalformedError("a field has the number 0, or ends after the file")
        yield Entry(number, value, message[start:end])
        start = end


def fields(message: memoryview) -> defaultdict[int, list[Entry]]:
    """The fields of a message, by number."""
    grouped: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in entries(message):
        grouped[entry.number].append(entry)
    return grouped


def numbers(entry: Entry, most: int) -> Iterator[int]:
    """One number, or several packed ones up to a limit."""
    if isinstance(entry.value, int):
        yield entry.value
        return
    number = shift = 0
    for byte in entry.value[: most * LONGEST_VARINT]:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number & SIXTY_FOUR_BITS
            number = shift = 0


def _size(message: memoryview, kind: int, position: int) -> tuple[int, int]:
    if kind == BYTES:
        return _varint(message, position)
    if kind in (FIXED64, FIXED32):
        return 8 if kind == FIXED64 else 4, position
    raise MalformedError(f"a field has the wire type {kind}")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """The number at a position, and the position after it."""
    number = 0
    for index, byte in enumerate(message[position : position + LONGEST_VARINT]):
        number |= (byte & 127) << (7 * index)
        if byte < 128:
            return number, position + index + 1
    raise MalformedError("it ends in the middle of a number")
