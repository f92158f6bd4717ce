"""Text files as blocks of UTF-8 bytes; refuses other files."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from onward.errors import DataError
from onward.table.sources._dialect import UTF8

SIZE = 1 << 20  # bytes; larger blocks exceed the processor cache
LONGEST = 1 << 28  # bytes; a longer line is not a row of a table, and would fill the memory
BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
UTF16 = (b"\xff\xfe", b"\xfe\xff")


@contextmanager
def open_unpacked(path: Path) -> Iterator[BufferedIOBase]:
    """The bytes of the file, unpacked if it is gzip.

    Raises:
        DataError: if it is no whole gzip.
    """
    with path.open("rb") as file:
        is_packed = file.read(len(GZIP)) == GZIP
    try:
        with gzip.open(path) if is_packed else path.open("rb") as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: the gzip file is truncated or damaged ({error}). Copy it again"
        ) from error


@contextmanager
def open_text(path: Path, encoding: str = UTF8) -> Iterator[BufferedIOBase]:
    """The unpacked file in UTF-8, without its byte order mark.

    Raises:
        DataError: if it is not in this encoding, or no whole gzip.
    """
    with open_unpacked(path) as file:
        if encoding == UTF8:
            start = file.read(len(BOM))
            _refuse_utf16(path, start)
            if start != BOM:
                file.seek(0)
            yield file
        else:
            text = io.BufferedReader(_Recoded(path, file, encoding), SIZE)
            if text.peek(len(BOM)).startswith(BOM):
                text.read(len(BOM))
            yield text


class _Recoded(io.RawIOBase):
    """A file in another encoding, converted to UTF-8."""

    def __init__(self, path: Path, file: BufferedIOBase, encoding: str) -> None:
        self.path, self.file, self.encoding = path, file, encoding
        self.decoder = codecs.getincrementaldecoder(encoding)()
        self.num_lines = 0
        self.left = b""

    def readable(self) -> bool:
        """True, as the buffer around it requires."""
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Read some bytes; none at the end."""
        is_last = False
        while not self.left and not is_last:
            data = self.file.read(SIZE)
            is_last = not data
            self.left = self._recode(data, is_last=is_last)
        count = min(len(buffer), len(self.left))
        buffer[:count], self.left = self.left[:count], self.left[count:]
        return count

    def _recode(self, data: bytes, *, is_last: bool) -> bytes:
        try:
            text = self.decoder.decode(data, is_last)
        except UnicodeError as error:
            if isinstance(error, UnicodeDecodeError):
                before = error.object[: error.start].decode(self.encoding, "replace")
                self.num_lines += before.count("\n")
            raise DataError(
                f"{self.path}: line {self.num_lines + 1} is not valid {self.encoding} ({error})."
                " Correct `encoding`, or copy the file again"
            ) from error
        self.num_lines += text.count("\n")
        return text.encode(UTF8, "surrogatepass")


def blocks(path: Path, file: BufferedIOBase) -> Iterator[bytes]:
    """The rest of the file in blocks ending with a line feed, which is added at the end.

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
    """The rest of the line, including the line end."""
    rest = file.readline(LONGEST)
    if len(rest) == LONGEST:
        raise DataError(f"{path}: a line has more than {LONGEST} bytes. The file is not a table")
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
            f"{path}: line {num_lines + block.count(10, 0, error.start) + 1} is not valid UTF-8 at"
            f" the byte {block[error.start]:#04x}. It is probably Latin-1 or Windows-1252; set"
            " `encoding: windows-1252` if it is CSV, or convert it with"
            " `iconv -f windows-1252 -t utf-8`"
        ) from error


def _refuse_utf16(path: Path, start: bytes) -> None:
    if start.startswith(UTF16):
        raise DataError(
            f"{path}: this is UTF-16, not UTF-8. Set `encoding: utf-16` if it is CSV, or convert"
            " it with `iconv -f utf-16 -t utf-8`"
        )
