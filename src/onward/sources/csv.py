"""Separated values: CSV, TSV."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import StringConstraints

from onward.schema import Field
from onward.sources._base import Source
from onward.sources._header import header
from onward.sources._structure import line_of, num_rows
from onward.sources._wire import ROUNDED, reading


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
        return self._read(dict.fromkeys(self._names, pl.String())).select(names)

    def copy(self, fields: Sequence[Field], path: Path, group: int) -> None:
        """Let polars read the numbers, in one pass; where it balks, look at them one by one."""
        plain = [field.name for field in fields if field.wire == "number" and not field.missing]
        types = dict.fromkeys(self._names, pl.String()) | dict.fromkeys(plain, pl.Float64())
        self.num_rows()  # checks the whole file
        if {field.name for field in fields} <= set(self._names) and self._copied(
            fields, types, path, group
        ):
            return
        super().copy(fields, path, group)

    def _copied(
        self, fields: Sequence[Field], types: Mapping[str, pl.DataType], path: Path, group: int
    ) -> bool:
        readings = [reading(str(self.path), field, types[field.name]) for field in fields]
        values = [each.value.alias(each.name) for each in readings]
        try:
            self._read(types).select(values).sink_parquet(
                path, compression="lz4", row_group_size=group
            )
        except pl.exceptions.ComputeError as error:
            if "(os error " in str(error):  # a full disk
                raise
            return False
        written = pl.scan_parquet(path)
        plain = [name for name, dtype in types.items() if dtype == pl.Float64]
        large = pl.max_horizontal(pl.lit(0.0), *(pl.col(name).abs().max() for name in plain))
        rows, largest = written.select(pl.len(), large.alias("largest")).collect().row(0)
        return bool(rows == self.num_rows() and largest < ROUNDED)

    def _read(self, types: Mapping[str, pl.DataType]) -> pl.LazyFrame:
        return pl.scan_csv(
            self.path,
            glob=False,
            separator=self.config.delimiter,
            schema=types,
            has_header=False,
            skip_rows=1,  # our names, since polars leaves doubled quotes in them
        )

    @cached_property
    def _names(self) -> list[str]:
        return header(self.path, self.config.delimiter)

    @cached_property
    def _num_rows(self) -> int:
        return num_rows(self.path, self.config.delimiter)
