"""The bytes of a text file, a block at a time, once it is sure that they are text."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from onward.errors import DataError

SIZE = 1 << 20  # bytes; larger blocks leave the processor's cache
LONGEST = 1 << 28  # bytes; a longer line is no row of a table, and would fill the memory
BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"


@contextmanager
def opened(path: Path) -> Iterator[BufferedIOBase]:
    """The file, unpacked if it is gzip, after its byte order mark.

    Raises:
        DataError: if it is no UTF-8 from the start, or no whole gzip.
    """
    with path.open("rb") as file:
        is_packed = file.read(len(GZIP)) == GZIP
    try:
        with gzip.open(path) if is_packed else path.open("rb") as file:
            start = file.read(len(BOM))
            _refuse_utf16(path, start)
            if start != BOM:
                file.seek(0)
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: this is no whole gzip file ({error}). Copy it again") from error


def blocks(path: Path, file: BufferedIOBase) -> Iterator[bytes]:
    """The rest of the file, in blocks that end with a line feed; one is added at the end.

    Raises:
        DataError: at a byte that is no text, with its line.
    """
    num_lines = 0
    while block := file.read(SIZE):
        block += line(path, file)
        refuse_no_text(path, block, num_lines)
        num_lines += block.count(b"\n")
        yield block if block.endswith(b"\n") else block + b"\n"


def line(path: Path, file: BufferedIOBase) -> bytes:
    """The rest of the line, with its end."""
    rest = file.readline(LONGEST)
    if len(rest) == LONGEST:
        raise DataError(f"{path}: a line has more than {LONGEST} bytes. This is no table")
    return rest


def refuse_no_text(path: Path, block: bytes, num_lines: int) -> None:
    """Raise a `DataError` if a block, ``num_lines`` into the file, is not UTF-8 or has a NUL."""
    nul = block.find(b"\0")
    if nul >= 0:
        raise DataError(
            f"{path}: line {num_lines + block.count(10, 0, nul) + 1} has a NUL byte, which no text"
            " has. Is the file damaged, or UTF-16? Then `iconv -f utf-16 -t utf-8` helps"
        )
    if block.isascii():
        return
    try:
        block.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: line {num_lines + block.count(10, 0, error.start) + 1} is no UTF-8, at the"
            f" byte {block[error.start]:#04x}. It is probably Latin-1 or Windows-1252; write"
            " it anew with `iconv -f windows-1252 -t utf-8`"
        ) from error


def _refuse_utf16(path: Path, start: bytes) -> None:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(
            f"{path}: this is UTF-16, not UTF-8. Write it anew with `iconv -f utf-16 -t utf-8`"
        )
