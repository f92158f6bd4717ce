"""Parquet files."""

from typing import Literal

import polars as pl

from onward.sources._base import Source
from onward.sources._typed import Typed


class Parquet(Typed, Source):
    """A Parquet file."""

    class Config(Source.Config):
        """Nothing beyond the path: the file says the rest."""

        type: Literal["parquet"] = "parquet"

    suffixes = {".parquet": {}}
    format = "a Parquet"

    def open_lazily(self) -> pl.LazyFrame:
        """Nothing but this file: its name is no pattern, its folders are no columns."""
        return pl.scan_parquet(self.path, glob=False, hive_partitioning=False)
