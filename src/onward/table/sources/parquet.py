"""Parquet files."""

from functools import cached_property
from typing import Literal

import polars as pl

from onward.table.sources._base import Source
from onward.table.sources._checksums import refuse_changed_pages
from onward.table.sources._typed_file import Typed


class Parquet(Typed, Source):
    """A Parquet file, compared with its checksums if it has any."""

    class Config(Source.Config):
        """Nothing beyond the path: the file says the rest."""

        type: Literal["parquet"] = "parquet"

    suffixes = {".parquet": {}}
    format = "a Parquet"

    def num_rows(self) -> int:
        """As the footer says."""
        return self._num_rows

    def open_lazily(self) -> pl.LazyFrame:
        """Nothing but this file: its name is no pattern, its folders are no columns."""
        return pl.scan_parquet(self.path, glob=False, hive_partitioning=False)

    @cached_property
    def _num_rows(self) -> int:
        rows = super().num_rows()
        refuse_changed_pages(self.path)
        return rows
