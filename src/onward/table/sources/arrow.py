"""Arrow files, also called Feather."""

from typing import Literal

import polars as pl

from onward.table.sources._base import Source
from onward.table.sources._typed_file import Typed


class Arrow(Typed, Source):
    """An Arrow IPC file (Feather version 2)."""

    class Config(Source.Config):
        """No settings beyond the path: the format is self-describing."""

        type: Literal["arrow"] = "arrow"

    suffixes = {".arrow": {}, ".feather": {}, ".ipc": {}}
    format = "an Arrow"

    def open_lazily(self) -> pl.LazyFrame:
        """A lazy frame of this file only, without glob patterns or Hive columns."""
        return pl.scan_ipc(self.path, glob=False, hive_partitioning=False)
