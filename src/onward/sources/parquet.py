"""Parquet files."""

from collections.abc import Sequence
from typing import Literal

import polars as pl

from onward.errors import DataError
from onward.sources._base import Source


class Parquet(Source):
    """A Parquet file."""

    class Config(Source.Config):
        """Nothing beyond the path: the file says the rest."""

        type: Literal["parquet"] = "parquet"

    suffixes = {".parquet": {}}

    def names(self) -> list[str]:
        """As the footer of the file lists them."""
        return self._open().collect_schema().names()

    def num_rows(self) -> int:
        """As the footer of the file says."""
        rows: int = self._collect(self._open().select(pl.len())).item()
        if not rows:
            raise DataError(f"{self.path}: there are columns, but no rows. Export the table again")
        return rows

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """Typed as in the file."""
        return self._open().select(names)

    def _open(self) -> pl.LazyFrame:
        frame = pl.scan_parquet(self.path, glob=False)
        try:
            frame.collect_schema()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise DataError(
                f"{self.path}: this cannot be read as a Parquet file ({error}). Export the table"
                " again"
            ) from error
        return frame
