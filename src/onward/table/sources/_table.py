"""What can be done with every table, wherever it is."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from onward.errors import DataError, suggestion
from onward.schema import Field
from onward.table.sources._number_format import PLAIN, Numerals
from onward.table.sources._reading import Fault, Reading, reading

DAMAGE = (pl.exceptions.ComputeError, pl.exceptions.PanicException)
"""What polars raises at bytes that make no sense; it panics at some footers of Parquet."""

FAULT, RAW = "onward/fault/", "onward/raw/"
"""Before the name of a column: whether a value cannot be read, and what is in the file."""
KEPT = "onward/kept/"
"""Before the name of a column that `scan` returns as it is in the file."""

OF_SYSTEM = re.compile(r"\(os error |Os \{ code: ")


class Table(ABC):
    """A table, read strictly: what cannot be read in one way only is refused."""

    path: Path
    numerals: Numerals = PLAIN
    """How numbers are spelled in texts."""
    offset: int = 0
    """Rows of the file that come before."""

    @abstractmethod
    def names(self) -> list[str]:
        """The columns of the table, in its order.

        Raises:
            DataError: if the file is damaged, or a name is empty or there twice.
        """

    @abstractmethod
    def num_rows(self) -> int:
        """How many rows there are, after the whole file has been checked for damage."""

    @abstractmethod
    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """These columns, as they are in the file.

        Raises:
            DataError: if a column has no single type.
        """

    def units(self) -> "list[Table]":
        """Parts that are read each by itself, in the order of their rows."""
        return [self]

    def place(self, row: int) -> str:
        """Where people find the row: its number, from 1, and if it has one its line."""
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
        return frame.select(
            *(each.value.alias(each.name) for each in readings),
            *(pl.col(name).alias(KEPT + name) for name in kept),
        )

    def inspected(self, fields: Sequence[Field]) -> pl.LazyFrame:
        """What `scan` returns, beside what is in the file, and whether a value cannot be read.

        These have `RAW` and `FAULT` before the names of their columns. No value is refused.

        Raises:
            DataError: if the file is damaged, or a column is not there or has no such values.
        """
        self.num_rows()  # checks the whole file
        frame, readings = self._readings(fields)
        return frame.select(
            *(each.value.alias(each.name) for each in readings),
            *(pl.col(each.name).alias(RAW + each.name) for each in readings),
            *(
                pl.any_horizontal(fault.found for fault in each.faults).alias(FAULT + each.name)
                for each in readings
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
        return frame, [reading(where, each, types[each.name], numerals) for each in fields]

    def copy(self, fields: Sequence[Field], path: Path, group: int) -> None:
        """Write what `scan` returns to a Parquet file with ``group`` rows in each group.

        Raises:
            DataError: as `scan` does.
        """
        self.scan(fields).sink_parquet(path, compression="lz4", row_group_size=group)

    def head(self, rows: int) -> pl.DataFrame:
        """The first rows, numbers spelled as programs do: what the columns are is seen in them."""
        frame = self.collect(self.read(self.names()).head(rows))
        return frame.with_columns(
            self.numerals.respelled(column) for column in frame if column.dtype == pl.String
        )

    def collect(self, query: pl.LazyFrame) -> pl.DataFrame:
        """Run a query on the table.

        Raises:
            DataError: if it meets damage.
        """
        try:
            return query.collect(engine="streaming")
        except (*DAMAGE, OSError) as error:
            # what the system says has a number; polars also uses OSError for bytes it cannot unpack
            if getattr(error, "errno", None) is not None or OF_SYSTEM.search(str(error)):
                raise OSError(str(error)) from error
            raise DataError(
                f"{self.path}: the file is damaged ({error}). Copy or export it again"
            ) from error

    def _require(self, wanted: Sequence[str]) -> None:
        known = self.names()
        for name in wanted:
            if name in known:
                continue
            raise DataError(f"{self.path}: there is no column {name!r}. {suggestion(name, known)}")

    def check(self, frame: pl.LazyFrame, readings: Sequence[Reading], rows: int) -> None:
        """Look at all values of some columns, or only at the number of rows if there are none.

        Raises:
            DataError: naming the first that cannot be read.
        """
        doubts = [each.doubts.alias(str(place)) for place, each in enumerate(readings)]
        total = pl.len().alias("rows")
        seen, *counts = self.collect(frame.select(total, *doubts)).row(0)
        if seen != rows:
            raise DataError(
                f"{self.path}: {rows} rows became {seen}: the file is damaged, or changed while it"
                " was read. Start again when nothing writes to it, or copy it again"
            )
        for each, count in zip(readings, counts, strict=True):
            if count:
                self._refuse_faults(frame, each, rows)

    def _refuse_faults(self, frame: pl.LazyFrame, each: Reading, rows: int) -> None:
        for fault in each.faults:
            count = self.collect(frame.select(fault.found.sum())).item()
            if count:
                where, value = self._first(frame, each.name, fault)
                raise DataError(
                    f"{self.path}: column {each.name!r} has {count} of {rows} values that are"
                    f" {fault.what}; the first is {value!r} in {where}. {fault.remedy}"
                )

    def _first(self, frame: pl.LazyFrame, name: str, fault: Fault) -> tuple[str, Any]:
        value, found = pl.col(name).alias("value"), fault.found.alias("found")
        rows = frame.select(value, found).with_row_index("row").filter("found").head(1)
        first = self.collect(rows).row(0)
        return self.place(first[0] + 1), first[1]
