"""Rows of Python values as batches of Arrow columns with one type each."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile
from types import NoneType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from onward.errors import DataError
from onward.table.remote import batches as sizes
from onward.table.remote.batches import Batches

if TYPE_CHECKING:
    import pyarrow as pa

MAX_COLUMNS = 10_000
SURROGATE = re.compile(r"[\ud800-\udfff]")  # half of a character, which UTF-8 does not have
WHOLE, LONG, NUMBER, DECIMAL = (
    "whole numbers",
    "whole numbers of more than 64 bits",
    "numbers",
    "decimal numbers",
)
BOOLEAN, TEXT, BYTES = "true and false", "texts", "bytes"
DATE, LOCAL, INSTANT = "dates", "times without a time zone", "times with a time zone"
CLOCK, SPAN = "times of day", "durations"
ZONED_CLOCK = "times of day with a time zone"
TEXTS = {TEXT, LONG, DECIMAL, ZONED_CLOCK}
"""Kinds that are stored as texts, since no type of a file has all their digits, or their zone."""
KINDS: tuple[tuple[type, str], ...] = (
    *((bool, BOOLEAN), (int, WHOLE), (float, NUMBER), (Decimal, DECIMAL), (str, TEXT)),
    *((bytes, BYTES), (bytearray, BYTES), (memoryview, BYTES), (datetime, LOCAL), (date, DATE)),
    *((time, CLOCK), (timedelta, SPAN), (UUID, TEXT), (dict, TEXT), (list, TEXT), (tuple, TEXT)),
)
"""By Python's type; a subclass comes before its base."""
DIVIDED: dict[str, Callable[[Any], str]] = {
    WHOLE: lambda value: WHOLE if -(2**63) <= value < 2**63 else LONG,
    LOCAL: lambda value: LOCAL if value.tzinfo is None else INSTANT,
    CLOCK: lambda value: CLOCK if value.tzinfo is None else ZONED_CLOCK,
}
"""Kinds that the value decides, and not its type alone."""


Part = Mapping[str, Sequence[Any]]
"""Some rows: the values of each column by name."""


def parts_of(records: Iterable[Mapping[str, Any]]) -> Iterator[Part]:
    """The records in parts of equal size; a key that a record does not have is None there."""
    source = iter(records)
    while some := list(islice(source, sizes.BATCH)):
        names = dict.fromkeys(name for record in some for name in record)
        yield {name: [record.get(name) for record in some] for name in names}


def row_batches(where: str, parts: Iterable[Part], folder: Path) -> Batches:
    """All rows, with the columns of all parts, in the order in which they appear.

    A column has one type, which only its last value may decide. So the rows are kept on disk until
    all are known, in a file of ``folder`` without a name, which ends with this process.

    Raises:
        DataError: naming the rows, if a column has values of types that no column can hold both.
    """
    import pyarrow as pa

    columns = _Columns(where)
    with TemporaryFile(dir=folder) as file:
        for part in parts:
            batch = columns.batch(part)
            with pa.ipc.new_stream(file, batch.schema) as writer:
                writer.write_batch(batch)
        file.seek(0)
        for _ in range(columns.num_batches):
            [batch] = pa.ipc.open_stream(file)
            yield columns.with_all(batch)


class _Columns:
    """The kinds of values of each column, in the rows so far."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.num_rows = self.num_batches = 0
        self.kinds: dict[str, dict[str, int]] = {}
        """By column; with the number of the first row of each kind."""

    def batch(self, part: Part) -> "pa.RecordBatch":
        import pyarrow as pa

        if not part:
            raise DataError(
                f"{self.where}: no record after row {self.num_rows} has a value in any column."
                " Correct the names of the columns asked for, such as `fields`"
            )
        if len(part.keys() | self.kinds) > MAX_COLUMNS:
            raise DataError(
                f"{self.where}: there are more than {MAX_COLUMNS} columns. Are values used as"
                " names? Choose fewer columns"
            )
        arrays = [self._array(name, values) for name, values in part.items()]
        self.num_rows += len(arrays[0])
        self.num_batches += 1
        return pa.RecordBatch.from_arrays(arrays, names=list(part))

    def with_all(self, batch: "pa.RecordBatch") -> "pa.RecordBatch":
        """The batch with all columns, in the types that hold the values of all rows."""
        import pyarrow as pa

        arrays, present = [], set(batch.schema.names)
        for name, kinds in self.kinds.items():
            dtype = self._type(name, kinds)
            try:
                array = batch.column(name).cast(dtype) if name in present else None
            except pa.ArrowInvalid as error:
                raise self._unstorable(name, error) from error
            arrays.append(pa.nulls(batch.num_rows, dtype) if array is None else array)
        return pa.RecordBatch.from_arrays(arrays, names=list(self.kinds))

    def _array(self, name: str, values: Sequence[Any]) -> "pa.Array":
        import pyarrow as pa

        if not name.isascii() and SURROGATE.search(name):
            raise DataError(f"{self.where}: column {name!r}: its name is not text. Correct it")
        kinds = self._kinds_of(name, values)
        self.kinds[name] = kinds | self.kinds.get(name, {})
        dtype = self._type(name, kinds)
        try:
            return pa.array(_converted(kinds, values), dtype)
        except (UnicodeEncodeError, pa.ArrowInvalid, OverflowError) as error:
            raise self._unstorable(name, error) from error

    def _unstorable(self, name: str, error: Exception) -> DataError:
        return DataError(
            f"{self.where}: column {name!r} has a value that cannot be stored ({error}). Correct"
            " it, convert the column to text, or leave it out"
        )

    def _kinds_of(self, name: str, values: Sequence[Any]) -> dict[str, int]:
        """The kinds of these values, with the number of the first row of each."""
        kinds: dict[str, int] = {}
        for python_type in set(map(type, values)) - {NoneType}:
            numbered = (
                (row, value)
                for row, value in enumerate(values, self.num_rows + 1)
                if type(value) is python_type
            )
            kind = next((kind for base, kind in KINDS if issubclass(python_type, base)), None)
            if kind is None:
                raise DataError(
                    f"{self.where}: column {name!r} has a value of the type {python_type.__name__}"
                    f" in row {next(numbered)[0]}, which no reader knows. Convert it to text, or"
                    " leave the column out"
                )
            if kind in DIVIDED:
                for row, value in numbered:
                    kinds.setdefault(DIVIDED[kind](value), row)
            else:
                kinds.setdefault(kind, next(numbered)[0])
        return dict(sorted(kinds.items(), key=itemgetter(1)))

    def _type(self, name: str, kinds: Mapping[str, int]) -> "pa.DataType":
        import pyarrow as pa

        types = {
            (): pa.null(),
            (BOOLEAN,): pa.bool_(),
            (BYTES,): pa.binary(),
            (CLOCK,): pa.time64("us"),
            (DATE,): pa.date32(),
            (INSTANT,): pa.timestamp("us", "UTC"),
            (LOCAL,): pa.timestamp("us"),
            (NUMBER,): pa.float64(),
            (NUMBER, WHOLE): pa.float64(),
            (SPAN,): pa.duration("us"),
            (TEXT,): pa.string(),
            (WHOLE,): pa.int64(),
            (ZONED_CLOCK,): pa.string(),
        }
        if kinds.keys() <= {WHOLE, LONG, DECIMAL} and len(kinds.keys() - {WHOLE}):
            return pa.string()
        dtype = types.get(tuple(sorted(kinds)))
        if dtype is None:
            seen = ", ".join(f"{kind} (row {row})" for kind, row in kinds.items())
            raise DataError(
                f"{self.where}: column {name!r} has values of several types: {seen}. Convert them"
                " to one, in SQL with CAST, or leave the column out"
            )
        return dtype


def _converted(kinds: Mapping[str, int], values: Sequence[Any]) -> Sequence[Any]:
    """Values as the type of the column takes them."""
    if kinds.keys() & TEXTS and set(map(type, values)) - {str, NoneType}:
        return [None if value is None else _text(value) for value in values]
    if INSTANT in kinds:
        return [None if value is None else value.astimezone(UTC) for value in values]
    return [None if v is None else bytes(v) for v in values] if BYTES in kinds else values


def _text(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
