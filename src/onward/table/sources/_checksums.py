"""The checksums that many writers of Parquet put beside each page; polars does not look at them.

Source: the Parquet format's parquet.thrift, in Thrift's compact protocol. A footer at the end of
the file lists row groups, these list the chunks of their columns, and a chunk is pages, each behind
a header of its own.
"""

import mmap
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from onward.errors import DataError

TAIL = 8  # bytes behind the footer: its length and PAR1
HEAD = 4  # bytes before the first page: PAR1
ROW_GROUPS, COLUMNS, NUM_ROWS, META_DATA = 4, 1, 3, 3  # fields of footer, row group and chunk
NAME, SIZE, DATA_PAGES, DICTIONARY_PAGE = 3, 7, 9, 11  # fields of META_DATA
PAGE_SIZE, CRC = 3, 4  # fields of the header of a page
LONG_LIST = 15
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12


class _Bytes(Protocol):
    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True)
class RowGroup:
    """Rows of a Parquet file that lie together."""

    rows: range
    """Their numbers, from 0."""
    chunks: tuple["_Chunk", ...]


def row_groups(path: Path) -> list[RowGroup]:
    """Those of a file, in its order.

    Raises:
        DataError: if the footer is damaged.
    """
    with _mapped(path) as data:
        return [*_groups(data)]


def refuse_changed_pages(path: Path, groups: Sequence[RowGroup] | None = None) -> None:
    """Compare every page with its checksum, if it has one.

    Args:
        path: of the file.
        groups: to look at; all of the file, if not given.

    Raises:
        DataError: naming the column and the rows of the first page that differs.
    """
    with _mapped(path) as data:
        if CRC not in _Reader(data, HEAD).struct():
            return  # and nor have the other pages
        for group in groups or _groups(data):
            for chunk in group.chunks:
                if not _is_whole(data, chunk):
                    raise DataError(
                        f"{path}: column {chunk.name!r} was changed after it was written, within"
                        f" the rows {group.rows.start + 1} to {group.rows.stop}: its checksum"
                        " differs. Copy or export the file again"
                    )


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            yield data
        except (IndexError, KeyError, TypeError, UnicodeDecodeError, RecursionError) as error:
            raise DataError(
                f"{path}: the file is damaged, its pages are not where it says. Copy or export it"
                " again"
            ) from error


@dataclass(frozen=True)
class _Chunk:
    """A column in a row group."""

    name: str
    start: int
    stop: int


def _groups(data: mmap.mmap) -> Iterator[RowGroup]:
    length = int.from_bytes(data[-TAIL : -TAIL // 2], "little")
    footer = _Reader(data, len(data) - TAIL - length).struct()
    begin = 0
    for group in footer[ROW_GROUPS]:
        rows = range(begin, begin + group[NUM_ROWS])
        yield RowGroup(rows, tuple(_chunk(column[META_DATA]) for column in group[COLUMNS]))
        begin = rows.stop


def _chunk(about: Mapping[int, Any]) -> _Chunk:
    start = about[DATA_PAGES]
    if 0 < about.get(DICTIONARY_PAGE, 0) < start:
        start = about[DICTIONARY_PAGE]
    return _Chunk(b".".join(about[NAME]).decode(), start, start + about[SIZE])


def _is_whole(data: mmap.mmap, chunk: _Chunk) -> bool:
    reader = _Reader(data, chunk.start)
    with memoryview(data) as view:
        while reader.position < chunk.stop:
            header = reader.struct()
            begin, reader.position = reader.position, reader.position + header[PAGE_SIZE]
            with view[begin : reader.position] as page:
                if CRC in header and zlib.crc32(page) != header[CRC] % 2**32:
                    return False
    return reader.position == chunk.stop


class _Reader:
    """Values in Thrift's compact protocol, one after the other."""

    def __init__(self, data: _Bytes, position: int) -> None:
        self.data, self.position = data, position

    def struct(self) -> dict[int, Any]:
        """Fields by their numbers."""
        fields: dict[int, Any] = {}
        number = 0
        while (mark := self._byte()) != 0:
            number = number + (mark >> 4) if mark >> 4 else self._integer()
            kind = mark & 15
            fields[number] = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind)
        return fields

    def _value(self, kind: int) -> Any:
        if kind == STRUCT:
            return self.struct()
        if kind in (LIST, SET):
            return self._list()
        if kind == MAP:
            raise TypeError("Parquet has no maps in its headers")
        if kind == BINARY:
            return self._take(self._varint())
        if kind == DOUBLE:
            return self._take(8)
        return self._byte() if kind in (TRUE, FALSE, BYTE) else self._integer()

    def _list(self) -> list[Any]:
        mark = self._byte()
        size = mark >> 4 if mark >> 4 != LONG_LIST else self._varint()
        return [self._value(mark & 15) for _ in range(size)]

    def _take(self, size: int) -> bytes:
        chunk: bytes = self.data[self.position : self.position + size]
        self.position += size
        return chunk

    def _byte(self) -> int:
        byte: int = self.data[self.position]
        self.position += 1
        return byte

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) >= 128:
            value |= (byte & 127) << shift
            shift += 7
        return value | byte << shift

    def _integer(self) -> int:
        """Signed: 0, -1, 1, -2, ..."""
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
