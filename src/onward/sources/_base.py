"""What every source of tables can do."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import polars as pl
from pydantic import Strict

from onward.errors import DataError
from onward.family import Family, Settings
from onward.schema import Field
from onward.sources._wire import Fault, Reading, reading

DAMAGE = (pl.exceptions.ComputeError, pl.exceptions.PanicException)
"""What polars raises at bytes that make no sense; it panics at some footers of Parquet."""


class Source(Family, ABC):
    """A table in a file, read strictly: what cannot be read in one way only is refused."""

    class Config(Settings):
        """Settings that every type has."""

        path: Annotated[Path, Strict(False)]

    suffixes: ClassVar[dict[str, dict[str, Any]]]
    """How names of such files end, and the settings that each ending asks for."""

    def __init__(self, config: Any) -> None:
        self.config = config
        if not self.path.is_file():
            start = "" if self.path.is_absolute() else f", which starts in {Path.cwd()}"
            raise DataError(f"{self.path}: there is no such file. Correct the path{start}")

    @property
    def path(self) -> Path:
        """The file."""
        path: Path = self.config.path
        return path

    @classmethod
    def for_path(cls, path: Path) -> "Source":
        """The source whose files end as ``path`` does.

        Raises:
            DataError: naming the endings there are, if no type of source has this one.
        """
        for member in cls.members.values():
            for suffix, settings in member.suffixes.items():
                if path.name.lower().endswith(suffix):
                    return cls.build(member.Config(path=path, **settings))
        known = sorted(suffix for member in cls.members.values() for suffix in member.suffixes)
        raise DataError(f"{path}: no table has such a name. It ends in one of {', '.join(known)}")

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

    def place(self, row: int) -> str:
        """Where people find the row: its number, from 1, and if it has one its line."""
        return f"row {row}"

    def scan(self, fields: Sequence[Field]) -> pl.LazyFrame:
        """Exactly these columns, one or more, in this order: Float64 for numbers, String for text.

        A missing value is null: nothing, NaN, and where a number is expected blanks and the
        texts of ``field.missing``, which also mean the numbers they spell.

        The whole file is checked before this returns, a part at a time, so that tables may be
        larger than memory.

        Raises:
            DataError: naming file, column, row and value of whatever cannot be read.
        """
        rows = self.num_rows()
        self._require([field.name for field in fields])
        frame = self.read([field.name for field in fields])
        types = frame.collect_schema()
        readings = [reading(str(self.path), field, types[field.name]) for field in fields]
        self._check(frame, readings, rows)
        return frame.select(each.value.alias(each.name) for each in readings)

    def copy(self, fields: Sequence[Field], path: Path, group: int) -> None:
        """Write what `scan` returns to a Parquet file with ``group`` rows in each group.

        Raises:
            DataError: as `scan` does.
        """
        self.scan(fields).sink_parquet(path, compression="lz4", row_group_size=group)

    def _require(self, wanted: Sequence[str]) -> None:
        known = self.names()
        for name in wanted:
            if name in known:
                continue
            meant = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {meant[0]!r}" if meant else "Correct the name"
            shown = ", ".join(map(repr, known[:30])) + (", ..." if len(known) > 30 else "")
            raise DataError(
                f"{self.path}: there is no column {name!r}. {hint}; the {len(known)} columns"
                f" are {shown}"
            )

    def _check(self, frame: pl.LazyFrame, readings: Sequence[Reading], rows: int) -> None:
        doubts = [each.doubts.alias(str(place)) for place, each in enumerate(readings)]
        total = pl.len().alias("rows")
        seen, *counts = self._collect(frame.select(total, *doubts)).row(0)
        if seen != rows:
            raise DataError(
                f"{self.path}: {rows} rows became {seen}: the file changed while it was read."
                " Start again when nothing writes to it"
            )
        for each, count in zip(readings, counts, strict=True):
            if count:
                self._refuse_faults(frame, each, rows)

    def _refuse_faults(self, frame: pl.LazyFrame, each: Reading, rows: int) -> None:
        for fault in each.faults:
            count = self._collect(frame.select(fault.found.sum())).item()
            if count:
                where, value = self._first(frame, each.name, fault)
                raise DataError(
                    f"{self.path}: column {each.name!r} has {count} of {rows} values that are"
                    f" {fault.what}; the first is {value!r} in {where}. {fault.remedy}"
                )

    def _first(self, frame: pl.LazyFrame, name: str, fault: Fault) -> tuple[str, Any]:
        value, found = pl.col(name).alias("value"), fault.found.alias("found")
        rows = frame.select(value, found).with_row_index("row").filter("found").head(1)
        first = self._collect(rows).row(0)
        return self.place(first[0] + 1), first[1]

    def _collect(self, query: pl.LazyFrame) -> pl.DataFrame:
        try:
            return query.collect(engine="streaming")
        except DAMAGE as error:
            raise DataError(
                f"{self.path}: the file is damaged ({error}). Copy or export it again"
            ) from error
