"""Parquet files."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal

import polars as pl

from onward.schema import Field
from onward.table.sources._base import Source
from onward.table.sources._checksums import RowGroup, refuse_changed_pages, row_groups
from onward.table.sources._table import Table
from onward.table.sources._typed_file import Typed


class Parquet(Typed, Source):
    """A Parquet file; its checksums are verified, if any."""

    class Config(Source.Config):
        """No settings beyond the path: the format is self-describing."""

        type: Literal["parquet"] = "parquet"

    suffixes = {".parquet": {}}
    format = "a Parquet"

    def num_rows(self) -> int:
        """Number of rows in the footer."""
        return self._num_rows

    def open_lazily(self) -> pl.LazyFrame:
        """A lazy frame of this file only, without glob patterns or Hive columns."""
        return pl.scan_parquet(self.path, glob=False, hive_partitioning=False)

    def units(self) -> list[Table]:
        """Row groups; the file, if it has no rows."""
        groups = [group for group in row_groups(self.path) if group.rows]
        return [_Group(self, group) for group in groups] or [self]

    @cached_property
    def _num_rows(self) -> int:
        rows = super().num_rows()
        refuse_changed_pages(self.path)
        return rows


class _Group(Table):
    """A row group, of which no other is read."""

    def __init__(self, table: Table, group: RowGroup) -> None:
        self.table, self.group = table, group
        self.path, self.offset = table.path, group.rows.start

    def names(self) -> list[str]:
        """Those of the file."""
        return self.table.names()

    def num_rows(self) -> int:
        """As the footer says."""
        refuse_changed_pages(self.path, [self.group])
        return len(self.group.rows)

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """Typed as in the file."""
        return self.table.read(names).slice(self.offset, len(self.group.rows))

    def scan_parts_of_unit(
        self, fields: Sequence[Field], kept: Sequence[str], rows: int
    ) -> Iterator[pl.DataFrame]:
        """Decodes the pages of each part once; polars reads several row groups ahead."""
        total = self.num_rows()
        frame, readings = self._readings(fields, kept)
        for start in range(0, total, rows):
            part = self.collect(frame.slice(start, rows))
            seen, *doubts = self.count(part.lazy(), readings)
            if any(doubts) or seen != min(rows, total - start):
                self.check(frame, readings, total)  # of the whole, for the position in the message
            yield self.collect(self.convert(part.lazy(), readings, kept))

    def position(self, row: int) -> str:
        """Its number in the file."""
        return self.table.position(self.offset + row)
