"""Arrow files, which are also called Feather."""

from typing import Literal

import polars as pl

from onward.table.sources._base import Source
from onward.table.sources._typed_file import Typed


class Arrow(Typed, Source):
    """An Arrow IPC file (Feather version 2)."""

    class Config(Source.Config):
        """Nothing beyond the path: the file says the rest."""

        type: Literal["arrow"] = "arrow"

    suffixes = {".arrow": {}, ".feather": {}, ".ipc": {}}
    format = "an Arrow"

    def open_lazily(self) -> pl.LazyFrame:
        """Nothing but this file: its name is no pattern, its folders are no columns."""
        return pl.scan_ipc(self.path, glob=False, hive_partitioning=False)
