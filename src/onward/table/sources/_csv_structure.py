"""The structure of a file of separated values, checked before it is read as a table.

A record ends with a line feed outside quotes, and quotes are around whole fields, doubled inside.
Readers guess where a file breaks these rules (polars pads short records, renames columns, reads
files with lone carriage returns as empty), so we find such places first. There is no loop over
rows: arrays of bytes do the work.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from onward.errors import DataError
from onward.table.sources._blocks import blocks, open_text
from onward.table.sources._dialect import Dialect
from onward.table.sources._header import first_record, header

LINE_FEED, RETURN = b"\n\r"


def num_rows(path: Path, dialect: Dialect) -> int:
    """The number of rows, after a check of every byte.

    Raises:
        DataError: naming the row and the line of the first place that can be read in two ways.
    """
    scanner = _Scanner(path, dialect, len(header(path, dialect)))
    with open_text(path, dialect.encoding) as file:
        for block in blocks(path, file):
            scanner.feed(block)
    if scanner.is_quoted:
        raise DataError(
            f"{path}: a quote is never closed; it is opened in {scanner.opened}. Close it, or if"
            " it belongs to the text, double it and put quotes around the field"
        )
    if not scanner.num_records:
        raise DataError(f"{path}: the file is empty. Export the table again")
    if scanner.num_records == scanner.num_headers:
        raise DataError(f"{path}: the file has a header, but no rows. Export the table again")
    return scanner.num_records - scanner.num_headers


def line_of(path: Path, dialect: Dialect, row: int) -> int:
    """The first line of a row; both count from 1, rows without the header."""
    scanner = _Scanner(path, dialect, len(header(path, dialect)))
    record = row - 1 + scanner.num_headers
    with open_text(path, dialect.encoding) as file:
        for block in blocks(path, file):
            before = scanner.num_records
            begins = scanner.begin_of_record
            lines = scanner.num_lines
            marks = scanner.feed(block)
            if scanner.num_records > record:
                return marks.line_of(record - before, begins, lines)
    raise AssertionError(f"row {row} of {path}")


def records(path: Path, dialect: Dialect) -> Iterator[bytes]:
    """Blocks of many rows of a checked file, in UTF-8."""
    rest = b""
    is_quoted = False
    with open_text(path, dialect.encoding) as file:
        if not dialect.names:
            first_record(path, file, dialect)
        for block in blocks(path, file):
            marks = _marks(np.frombuffer(block, np.uint8), dialect, is_quoted)
            is_quoted ^= (len(marks.opening) + len(marks.closing)) % 2 == 1
            end = int(marks.ends[-1]) + 1 if len(marks.ends) else 0
            if end:
                yield rest + block[:end]
            rest = block[end:] if end else rest + block


@dataclass(frozen=True)
class _Marks:
    """Positions in a block that matter for its structure."""

    codes: NDArray[np.uint8]
    ends: NDArray[np.intp]
    """Line feeds that end a record."""
    delimiters: NDArray[np.intp]
    """The number in each of these records, and in the unfinished last one."""
    opening: NDArray[np.intp]
    closing: NDArray[np.intp]
    """Quotes; one inside quotes, doubled, closes and opens again."""
    returns: NDArray[np.intp]
    """Carriage returns outside quotes."""

    def line_of(self, record: int, begin: int, num_lines: int) -> int:
        """The line where a record begins; ``begin`` is that of the first record."""
        if record == 0:
            return begin
        return num_lines + self.num_lines(int(self.ends[record - 1]) + 1) + 1

    def num_lines(self, end: int) -> int:
        return int(np.count_nonzero(self.codes[:end] == LINE_FEED))


def _marks(codes: NDArray[np.uint8], dialect: Dialect, is_quoted: bool) -> _Marks:
    delimiter, quotes = ord(dialect.delimiter), dialect.quote.encode()
    is_mark = codes == delimiter
    for code in (LINE_FEED, RETURN, *quotes):
        is_mark |= codes == code
    positions = np.flatnonzero(is_mark)
    kinds = codes[positions]
    is_quote = kinds == quotes[0] if quotes else np.zeros(len(kinds), np.bool_)
    is_outside = np.bitwise_xor.accumulate(is_quote) == (is_quote ^ is_quoted)
    separates = is_outside & ((kinds == delimiter) | (kinds == LINE_FEED))
    is_end = kinds[separates] == LINE_FEED
    numbers = np.flatnonzero(is_end)
    return _Marks(
        codes,
        positions[separates][is_end],
        np.diff(numbers, prepend=-1, append=len(is_end)) - 1,
        positions[is_quote & is_outside],
        positions[is_quote & ~is_outside],
        positions[is_outside & (kinds == RETURN)],
    )


@dataclass
class _Scanner:
    """Scans the blocks of a file; each ends with a line feed."""

    path: Path
    dialect: Dialect
    num_fields: int
    num_records: int = 0
    num_lines: int = 0
    begin_of_record: int = 1
    """The first line of the unfinished record."""
    num_delimiters: int = 0
    """The number in the unfinished record so far."""
    is_quoted: bool = False
    opened: str = ""
    """The position of the last opening quote."""

    @property
    def num_headers(self) -> int:
        """The number of header records."""
        return 0 if self.dialect.names else 1

    def feed(self, block: bytes) -> _Marks:
        marks = _marks(np.frombuffer(block, np.uint8), self.dialect, self.is_quoted)
        marks.delimiters[0] += self.num_delimiters
        ragged = np.flatnonzero(marks.delimiters[:-1] != self.num_fields - 1)
        faults = [(int(marks.ends[index]), self._ragged) for index in ragged[:1]]
        faults += [(position, self._stray) for position in _strays(marks, self.dialect)]
        faults += [(position, self._lone_return) for position in _lone_returns(marks)]
        if faults:
            position, refuse = min(faults, key=lambda fault: fault[0])
            refuse(marks, position)
        if len(marks.opening):
            self.opened = self._where(marks, int(marks.opening[-1]))
        self.begin_of_record = marks.line_of(len(marks.ends), self.begin_of_record, self.num_lines)
        self.num_delimiters = int(marks.delimiters[-1])
        self.num_records += len(marks.ends)
        self.num_lines += marks.num_lines(len(block))
        self.is_quoted ^= (len(marks.opening) + len(marks.closing)) % 2 == 1
        return marks

    def _where(self, marks: _Marks, position: int) -> str:
        record = self.num_records + int(np.searchsorted(marks.ends, position))
        number = self.num_lines + marks.num_lines(position) + 1
        row = record + 1 - self.num_headers
        return f"row {row} (line {number})" if row else f"the header (line {number})"

    def _ragged(self, marks: _Marks, position: int) -> NoReturn:
        record = int(np.searchsorted(marks.ends, position))
        number = marks.line_of(record, self.begin_of_record, self.num_lines)
        row = self.num_records + record + 1 - self.num_headers
        where = f"{self.path}: row {row} (line {number})"
        begin = int(marks.ends[record - 1]) + 1 if record else 0
        num_fields = int(marks.delimiters[record]) + 1
        if not bytes(marks.codes[begin:position]).strip(b"\r"):
            raise DataError(f"{where} is blank. Remove the line")
        raise DataError(
            f"{where} has {num_fields} field{'s' * (num_fields != 1)} instead of"
            f" {self.num_fields}. Correct it: quotes belong around a text with the delimiter or"
            " a line feed in it"
        )

    def _stray(self, marks: _Marks, position: int) -> NoReturn:
        raise DataError(
            f"{self.path}: {self._where(marks, position)} has a quote that is not around a whole"
            " field. If it belongs to the text, double it and put quotes around the field"
        )

    def _lone_return(self, marks: _Marks, position: int) -> NoReturn:
        raise DataError(
            f"{self.path}: {self._where(marks, position)} has a carriage return (\\r) that no line"
            " feed follows. Remove it, or put quotes around the field"
        )


def _strays(marks: _Marks, dialect: Dialect) -> list[int]:
    """The first quotes that open inside a field and close before its end."""
    delimiter, quotes = ord(dialect.delimiter), dialect.quote.encode()
    before = marks.codes[np.maximum(marks.opening - 1, 0)]
    begins = np.isin(before, [delimiter, LINE_FEED, *quotes]) | (marks.opening == 0)
    after = marks.codes[marks.closing + 1]
    ends = np.isin(after, [delimiter, LINE_FEED, RETURN, *quotes])
    return [int(position) for position in [*marks.opening[~begins][:1], *marks.closing[~ends][:1]]]


def _lone_returns(marks: _Marks) -> list[int]:
    is_alone = marks.codes[marks.returns + 1] != LINE_FEED
    return [int(position) for position in marks.returns[is_alone][:1]]
