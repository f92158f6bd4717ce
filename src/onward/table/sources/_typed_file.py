"""Files that say themselves what is in them."""

from abc import abstractmethod
from collections.abc import Sequence

import polars as pl

from onward.errors import DataError
from onward.table.sources._table import Table


class Typed(Table):
    """A file whose columns have names and types, which polars reads."""

    format: str
    """How people call it, with its article."""

    @abstractmethod
    def open_lazily(self) -> pl.LazyFrame:
        """The whole file, not read yet."""

    def names(self) -> list[str]:
        """As the file lists them."""
        return self._open().collect_schema().names()

    def num_rows(self) -> int:
        """As the file says."""
        rows: int = self.collect(self._open().select(pl.len())).item()
        if not rows:
            raise DataError(f"{self.path}: there are columns, but no rows. Export the table again")
        return rows

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """Typed as in the file."""
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
