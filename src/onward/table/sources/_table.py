"""The base class of tables."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from onward.errors import DataError, suggestion
from onward.schema import Field
from onward.table.sources._number_format import PLAIN, Numerals
from onward.table.sources._reading import Fault, Reading, reading
from onward.wording import format_count

DAMAGE = (pl.exceptions.ComputeError, pl.exceptions.PanicException)
"""Errors of polars for damaged files; it panics at some Parquet footers."""

FAULT, RAW = "onward/fault/", "onward/raw/"
"""Prefixes of columns with the mask of unreadable values, and with raw values."""
KEPT = "onward/kept/"
"""Prefix of columns that `scan` returns unchanged."""

OF_SYSTEM = re.compile(r"\(os error |Os \{ code: ")


class Table(ABC):
    """A table, read strictly: ambiguous values are refused."""

    path: Path
    numerals: Numerals = PLAIN
    """The number format in texts."""
    offset: int = 0
    """Number of earlier rows in the file."""

    @abstractmethod
    def names(self) -> list[str]:
        """The column names in order.

        Raises:
            DataError: if the file is damaged, or a name is empty or there twice.
        """

    @abstractmethod
    def num_rows(self) -> int:
        """The number of rows, after a check of the whole file for damage."""

    @abstractmethod
    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """These columns with raw values.

        Raises:
            DataError: if a column has no single type.
        """

    def units(self) -> "list[Table]":
        """Parts that can be read independently, in the order of their rows."""
        return [self]

    def position(self, row: int) -> str:
        """Position of a row for messages: its number, from 1, and its line, if any."""
        return f"row {row}"

    def scan(self, fields: Sequence[Field], kept: Sequence[str] = ()) -> pl.LazyFrame:
        """Exactly these columns, one or more, in this order: Float64 for numbers, String for text.

        Behind them are the columns ``kept``, as they are in the file, with `KEPT` before their
        names.

        A missing value is null: nothing, NaN, and where a number is expected blanks and the
        texts of ``field.missing``, which also mean the numbers they spell.

        The whole file is checked before this returns, a part at a time, so that tables may be
        larger than memory.

        Raises:
            DataError: naming file, column, row and value of whatever cannot be read.
        """
        rows = self.num_rows()
        frame, readings = self._readings(fields, kept)
        self.check(frame, readings, rows)
        return self.convert(frame, readings, kept)

    def scan_parts(
        self, fields: Sequence[Field], kept: Sequence[str], rows: int
    ) -> Iterator[pl.DataFrame]:
        """The result of `scan` in parts of at most ``rows`` rows, of which few are held at once."""
        for unit in self.units():
            yield from unit.scan_parts_of_unit(fields, kept, rows)

    def scan_parts_of_unit(
        self, fields: Sequence[Field], kept: Sequence[str], rows: int
    ) -> Iterator[pl.DataFrame]:
        """The same for one of `units`."""
        frame = self.scan(fields, kept)
        yield from frame.collect_batches(chunk_size=rows, maintain_order=True)

    def scan_with_faults(self, fields: Sequence[Field]) -> pl.LazyFrame:
        """The result of `scan` with raw values and masks of unreadable values.

        These have `RAW` and `FAULT` before the names of their columns. No value is refused.

        Raises:
            DataError: if the file is damaged, or a column is not there or has no such values.
        """
        self.num_rows()  # checks the whole file
        frame, readings = self._readings(fields)
        return frame.select(
            *(column.value.alias(column.name) for column in readings),
            *(pl.col(column.name).alias(RAW + column.name) for column in readings),
            *(
                pl.any_horizontal(fault.mask for fault in column.faults).alias(FAULT + column.name)
                for column in readings
            ),
        )

    def _readings(
        self, fields: Sequence[Field], kept: Sequence[str] = ()
    ) -> tuple[pl.LazyFrame, list[Reading]]:
        names = list(dict.fromkeys([*(field.name for field in fields), *kept]))
        self._require(names)
        frame = self.read(names)
        types = frame.collect_schema()
        where, numerals = str(self.path), self.numerals
        return frame, [reading(where, field, types[field.name], numerals) for field in fields]

    def copy(self, fields: Sequence[Field], path: Path, group: int) -> None:
        """Write the result of `scan` to a Parquet file with ``group`` rows per row group.

        Raises:
            DataError: as `scan` does.
        """
        self.scan(fields).sink_parquet(path, compression="lz4", row_group_size=group)

    def head(self, rows: int) -> pl.DataFrame:
        """The first rows with plain numbers, for type inference."""
        frame = self.collect(self.read(self.names()).head(rows))
        return frame.with_columns(
            self.numerals.to_plain_column(column) for column in frame if column.dtype == pl.String
        )

    def collect(self, query: pl.LazyFrame) -> pl.DataFrame:
        """Run a query on the table.

        Raises:
            DataError: if it meets damage.
        """
        try:
            return query.collect(engine="streaming")
        except (*DAMAGE, OSError) as error:
            # system errors have a number; polars also raises OSError for invalid compressed data
            if getattr(error, "errno", None) is not None or OF_SYSTEM.search(str(error)):
                raise OSError(str(error)) from error
            raise DataError(
                f"{self.path}: the file is damaged ({error}). Copy or export it again"
            ) from error

    def _require(self, wanted: Sequence[str]) -> None:
        columns = self.names()
        for name in wanted:
            if name in columns:
                continue
            raise DataError(
                f"{self.path}: there is no column {name!r}. {suggestion(name, columns)}"
            )

    def check(self, frame: pl.LazyFrame, readings: Sequence[Reading], rows: int) -> None:
        """Check all values of some columns, or without columns only the number of rows.

        Raises:
            DataError: naming the first that cannot be read.
        """
        seen, *counts = self.count(frame, readings)
        if seen != rows:
            raise DataError(
                f"{self.path}: {format_count(rows, 'row')} became {seen}: the file is damaged,"
                " or changed while it was read. Start again when nothing writes to it, or copy it"
                " again"
            )
        for column, count in zip(readings, counts, strict=True):
            if count:
                self._refuse_faults(frame, column, rows)

    def count(self, frame: pl.LazyFrame, readings: Sequence[Reading]) -> tuple[int, ...]:
        """The number of rows, and for each column an upper bound of the unreadable values."""
        doubts = (column.doubts.alias(str(index)) for index, column in enumerate(readings))
        counts: tuple[int, ...] = self.collect(frame.select(pl.len().alias("rows"), *doubts)).row(0)
        return counts

    @staticmethod
    def convert(
        frame: pl.LazyFrame, readings: Sequence[Reading], kept: Sequence[str]
    ) -> pl.LazyFrame:
        """The wire values of checked columns, and the columns ``kept``."""
        return frame.select(
            *(column.value.alias(column.name) for column in readings),
            *(pl.col(name).alias(KEPT + name) for name in kept),
        )

    def _refuse_faults(self, frame: pl.LazyFrame, column: Reading, rows: int) -> None:
        for fault in column.faults:
            count = self.collect(frame.select(fault.mask.sum())).item()
            if count:
                where, value = self._first(frame, column.name, fault)
                raise DataError(
                    f"{self.path}: column {column.name!r} has {count} of {rows} values that are"
                    f" {fault.what}; the first is {value!r} in {where}. {fault.remedy}"
                )

    def _first(self, frame: pl.LazyFrame, name: str, fault: Fault) -> tuple[str, Any]:
        value, is_faulty = pl.col(name).alias("value"), fault.mask.alias("is_faulty")
        rows = frame.select(value, is_faulty).with_row_index("row").filter("is_faulty").head(1)
        first = self.collect(rows).row(0)
        return self.position(first[0] + 1), first[1]
