"""What a file of separated values is made of, found out before anything reads it as a table.

A record ends with a line feed outside quotes, and quotes are around whole fields, doubled inside.
Readers guess where a file breaks these rules (polars pads short records, renames columns, reads
files with lone carriage returns as empty), so we find such places first. There is no loop over
rows: arrays of bytes do the work.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from onward.errors import DataError
from onward.sources._blocks import blocks, opened
from onward.sources._header import header

LINE_FEED, RETURN, QUOTE = b'\n\r"'


def num_rows(path: Path, delimiter: str) -> int:
    """The number of rows, after a look at every byte.

    Raises:
        DataError: naming the row and the line of the first place that can be read in two ways.
    """
    scanner = _Scanner(path, ord(delimiter), len(header(path, delimiter)))
    with opened(path) as file:
        for block in blocks(path, file):
            scanner.feed(block)
    if scanner.is_quoted:
        raise DataError(
            f"{path}: a quote is never closed; it is opened in {scanner.opened}. Close it, or if"
            " it belongs to the text, double it and put quotes around the field"
        )
    if scanner.num_records < 2:
        raise DataError(f"{path}: there is a header, but no row. Export the table again")
    return scanner.num_records - 1


def line_of(path: Path, delimiter: str, row: int) -> int:
    """The line where a row begins; both are counted from 1, rows without the header."""
    scanner = _Scanner(path, ord(delimiter), len(header(path, delimiter)))
    with opened(path) as file:
        for block in blocks(path, file):
            before = scanner.num_records
            begins = scanner.begin_of_record
            lines = scanner.num_lines
            marks = scanner.feed(block)
            if scanner.num_records > row:
                return marks.line_of(row - before, begins, lines)
    raise AssertionError(f"row {row} of {path}")


@dataclass(frozen=True)
class _Marks:
    """Where in a block something happens that matters to its structure."""

    codes: NDArray[np.uint8]
    ends: NDArray[np.intp]
    """Line feeds that end a record."""
    delimiters: NDArray[np.intp]
    """How many there are in each of these records, and in the one that is not at its end."""
    opening: NDArray[np.intp]
    closing: NDArray[np.intp]
    """Quotes; one inside quotes, doubled, closes and opens again."""
    returns: NDArray[np.intp]
    """Carriage returns outside quotes."""

    def line_of(self, record: int, begin: int, num_lines: int) -> int:
        """Of the record's begin; ``begin`` is the line of the first record's."""
        if record == 0:
            return begin
        return num_lines + self.num_lines(int(self.ends[record - 1]) + 1) + 1

    def num_lines(self, end: int) -> int:
        return int(np.count_nonzero(self.codes[:end] == LINE_FEED))


def _marks(codes: NDArray[np.uint8], delimiter: int, is_quoted: bool) -> _Marks:
    found = codes == delimiter
    for code in (LINE_FEED, RETURN, QUOTE):
        found |= codes == code
    places = np.flatnonzero(found)
    kinds = codes[places]
    is_quote = kinds == QUOTE
    is_outside = np.bitwise_xor.accumulate(is_quote) == (is_quote ^ is_quoted)
    separates = is_outside & ((kinds == delimiter) | (kinds == LINE_FEED))
    is_end = kinds[separates] == LINE_FEED
    numbers = np.flatnonzero(is_end)
    return _Marks(
        codes,
        places[separates][is_end],
        np.diff(numbers, prepend=-1, append=len(is_end)) - 1,
        places[is_quote & is_outside],
        places[is_quote & ~is_outside],
        places[is_outside & (kinds == RETURN)],
    )


@dataclass
class _Scanner:
    """Goes through the blocks of a file; each ends with a line feed."""

    path: Path
    delimiter: int
    num_fields: int
    num_records: int = 0
    num_lines: int = 0
    begin_of_record: int = 1
    """The line where the record begins that the next block goes on with."""
    num_delimiters: int = 0
    """Those that this record has so far."""
    is_quoted: bool = False
    opened: str = ""
    """Where the last quote was opened."""

    def feed(self, block: bytes) -> _Marks:
        marks = _marks(np.frombuffer(block, np.uint8), self.delimiter, self.is_quoted)
        marks.delimiters[0] += self.num_delimiters
        ragged = np.flatnonzero(marks.delimiters[:-1] != self.num_fields - 1)
        faults = [(int(marks.ends[each]), self._ragged) for each in ragged[:1]]
        faults += [(place, self._stray) for place in _strays(marks, self.delimiter)]
        faults += [(place, self._lone_return) for place in _lone_returns(marks)]
        if faults:
            place, refuse = min(faults, key=lambda fault: fault[0])
            refuse(marks, place)
        if len(marks.opening):
            self.opened = self._where(marks, int(marks.opening[-1]))
        self.begin_of_record = marks.line_of(len(marks.ends), self.begin_of_record, self.num_lines)
        self.num_delimiters = int(marks.delimiters[-1])
        self.num_records += len(marks.ends)
        self.num_lines += marks.num_lines(len(block))
        self.is_quoted ^= (len(marks.opening) + len(marks.closing)) % 2 == 1
        return marks

    def _where(self, marks: _Marks, place: int) -> str:
        record = self.num_records + int(np.searchsorted(marks.ends, place))
        number = self.num_lines + marks.num_lines(place) + 1
        return f"row {record} (line {number})" if record else f"the header (line {number})"

    def _ragged(self, marks: _Marks, place: int) -> NoReturn:
        record = int(np.searchsorted(marks.ends, place))
        number = marks.line_of(record, self.begin_of_record, self.num_lines)
        where = f"{self.path}: row {self.num_records + record} (line {number})"
        begin = int(marks.ends[record - 1]) + 1 if record else 0
        found = int(marks.delimiters[record]) + 1
        if not bytes(marks.codes[begin:place]).strip(b"\r"):
            raise DataError(f"{where} is blank. Remove the line")
        raise DataError(
            f"{where} has {found} field{'s' * (found != 1)} instead of {self.num_fields}. Correct"
            " it: quotes belong around a text with the delimiter or a line feed in it"
        )

    def _stray(self, marks: _Marks, place: int) -> NoReturn:
        raise DataError(
            f"{self.path}: {self._where(marks, place)} has a quote that is not around a whole"
            " field. If it belongs to the text, double it and put quotes around the field"
        )

    def _lone_return(self, marks: _Marks, place: int) -> NoReturn:
        raise DataError(
            f"{self.path}: {self._where(marks, place)} has a carriage return (\\r) that no line"
            " feed follows. Remove it, or put quotes around the field"
        )


def _strays(marks: _Marks, delimiter: int) -> list[int]:
    """The first quote that opens inside a field, and the first that closes before its end."""
    before = marks.codes[np.maximum(marks.opening - 1, 0)]
    begins = np.isin(before, [delimiter, LINE_FEED, QUOTE]) | (marks.opening == 0)
    after = marks.codes[marks.closing + 1]
    ends = np.isin(after, [delimiter, LINE_FEED, RETURN, QUOTE])
    return [int(place) for place in [*marks.opening[~begins][:1], *marks.closing[~ends][:1]]]


def _lone_returns(marks: _Marks) -> list[int]:
    is_alone = marks.codes[marks.returns + 1] != LINE_FEED
    return [int(place) for place in marks.returns[is_alone][:1]]
