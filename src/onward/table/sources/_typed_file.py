"""Self-describing file formats."""

from abc import abstractmethod
from collections.abc import Sequence

import polars as pl

from onward.errors import DataError
from onward.table.sources._table import Table


class Typed(Table):
    """A file with named and typed columns, read by polars."""

    format: str
    """Name of the format, with its article."""

    @abstractmethod
    def open_lazily(self) -> pl.LazyFrame:
        """The whole file as a lazy frame."""

    def names(self) -> list[str]:
        """Column names in the file."""
        return self._open().collect_schema().names()

    def num_rows(self) -> int:
        """Number of rows recorded in the file."""
        rows: int = self.collect(self._open().select(pl.len())).item()
        if not rows:
            raise DataError(
                f"{self.path}: the file has columns, but no rows. Export the table again"
            )
        return rows

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """Raw columns with the types of the file."""
        return self._open().select(names)

    def _open(self) -> pl.LazyFrame:
        frame = self.open_lazily()
        try:
            frame.collect_schema()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise DataError(
                f"{self.path}: this cannot be read as {self.format} file ({error}). Export the"
                " table again"
            ) from error
        return frame
