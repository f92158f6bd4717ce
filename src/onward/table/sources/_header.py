"""The header of separated values."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from io import BufferedIOBase
from pathlib import Path

from onward.errors import DataError
from onward.table.sources._blocks import LONGEST, line, open_text, refuse_no_text
from onward.table.sources._dialect import Dialect

OTHER_DELIMITERS = ";\t|"


def header(path: Path, dialect: Dialect) -> list[str]:
    """The names of the columns.

    Raises:
        DataError: if there is none, or a name is there twice.
    """
    names = list(dialect.names) or fill_names(first_fields(path, dialect))
    where = "`names`" if dialect.names else "line 1"
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(
            f"{path}: {len(repeated)} of {len(set(names))} names are duplicated; the"
            f" first is {repeated[0]!r}. Rename all but one in {where}, or remove their columns"
        )
    other_marks = [mark for mark in OTHER_DELIMITERS if mark in names[0]]
    if len(names) == 1 and other_marks:
        raise DataError(
            f"{path}: there is one column, {names[0]!r}, if fields end with"
            f" {dialect.delimiter!r}. Set `delimiter` to {other_marks[0]!r} in `source` of the"
            " config; `predict`, `compare` and `promote` read it with `--config`"
        )
    return names


def fill_names(names: Sequence[str]) -> list[str]:
    """Name columns without a name like pandas, which writes such columns.

    Example:
        >>> fill_names(["", "km", ""])
        ['Unnamed: 0', 'km', 'Unnamed: 2']
    """
    return [name or f"Unnamed: {index}" for index, name in enumerate(names)]


def first_fields(path: Path, dialect: Dialect) -> list[str]:
    """The fields of the first record.

    Raises:
        DataError: if there is none, or it is no text.
    """
    with open_text(path, dialect.encoding) as file:
        record = first_record(path, file, dialect).decode()
    if not record.strip():
        raise DataError(f"{path}: line 1 is empty, but must have the column names. Add them")
    text = io.StringIO(record, newline="")
    if not dialect.quote:
        return next(csv.reader(text, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE))
    return next(csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote))


def first_record(path: Path, file: BufferedIOBase, dialect: Dialect) -> bytes:
    """The first record, read from the file.

    Raises:
        DataError: if there is none, or it is no text.
    """
    record = line(path, file)
    quote = dialect.quote.encode()
    while quote and record.count(quote) % 2 and len(record) < LONGEST:
        more = line(path, file)
        if not more:
            raise DataError(
                f"{path}: line 1 has a quote that is never closed. Close it, or if it belongs to"
                " the name, double it and put quotes around the name"
            )
        record += more
    if not record:
        raise DataError(f"{path}: the file is empty. Export the table again")
    refuse_no_text(path, record, 0)
    if b"\r" in record.replace(b"\r\n", b""):
        raise DataError(
            f"{path}: line 1 has a carriage return (\\r) that no line feed follows. If lines"
            " end so, as on old Macintosh computers, convert the file with `tr '\\r' '\\n'`"
        )
    return record
