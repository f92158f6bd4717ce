"""Separated values: CSV, TSV."""

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal

import polars as pl
from pydantic import StringConstraints

from onward.sources._base import Source
from onward.sources._header import header
from onward.sources._structure import line_of, num_rows


class Csv(Source):
    """Separated values with a header, in UTF-8; may be packed by gzip.

    Names and texts are taken as they are: blanks count. A field that holds the delimiter, a quote
    or a line end has quotes around it, and quotes in it are doubled (RFC 4180).
    """

    class Config(Source.Config):
        """``delimiter`` ends a field."""

        type: Literal["csv"] = "csv"
        delimiter: Annotated[str, StringConstraints(pattern=r'^[^"\r\n\x80-\U0010ffff]$')] = ","

    config: Config
    suffixes = {
        ".csv": {},
        ".csv.gz": {},
        ".tsv": {"delimiter": "\t"},
        ".tsv.gz": {"delimiter": "\t"},
    }

    def names(self) -> list[str]:
        """As the header lists them."""
        return list(self._names)

    def num_rows(self) -> int:
        """Records below the header."""
        return self._num_rows

    def place(self, row: int) -> str:
        """The row and its line, which differ by more than the header after a line end in quotes."""
        return f"row {row} (line {line_of(self.path, self.config.delimiter, row)})"

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """As text; an empty field is null or empty."""
        schema = dict.fromkeys(self._names, pl.String)
        frame = pl.scan_csv(
            self.path,
            glob=False,
            separator=self.config.delimiter,
            schema=schema,
            has_header=False,
            skip_rows=1,  # our names, since polars leaves doubled quotes in them
        )
        return frame.select(names)

    @cached_property
    def _names(self) -> list[str]:
        return header(self.path, self.config.delimiter)

    @cached_property
    def _num_rows(self) -> int:
        return num_rows(self.path, self.config.delimiter)
