"""Separated values: CSV, TSV."""

import resource
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import polars as pl
from polars.io.plugins import register_io_source

from onward.schema import Field
from onward.table.sources._base import Sniffed, Source
from onward.table.sources._csv_structure import line_of, num_rows, records
from onward.table.sources._dialect import UTF8, Spelling
from onward.table.sources._header import header
from onward.table.sources._number_format import EXACT_BELOW
from onward.table.sources._reading import reading
from onward.table.sources._sniffing import infer_dialect


class Csv(Source):
    """Separated values, optionally compressed by gzip.

    Names and texts are taken as they are: blanks count. A field that holds the delimiter, a quote
    or a line end has quotes around it, and quotes in it are doubled (RFC 4180).
    """

    class Config(Source.Config, Spelling):
        """The dialect and the number format."""

        type: Literal["csv"] = "csv"

    config: Config
    suffixes = {
        ".csv": {},
        ".csv.gz": {},
        ".tsv": {"delimiter": "\t"},
        ".tsv.gz": {"delimiter": "\t"},
    }

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.numerals = config

    @classmethod
    def sniff(cls, config: Config) -> Sniffed:
        """Infer encoding, quote, delimiter, header and number format."""
        return Sniffed(*infer_dialect(config.path, config))

    def names(self) -> list[str]:
        """Column names in the header."""
        return list(self._names)

    def num_rows(self) -> int:
        """Number of records below the header."""
        return self._num_rows

    def position(self, row: int) -> str:
        """The row and its line; line ends in quotes shift the lines."""
        return f"row {row} (line {line_of(self.path, self.config, row)})"

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """Raw columns as text; an empty field is null or empty."""
        return self._read(dict.fromkeys(self._names, pl.String())).select(names)

    def copy(self, fields: Sequence[Field], path: Path, group: int) -> None:
        """Let polars read the numbers in one pass; if it fails, check each value."""
        self.num_rows()  # checks the whole file
        is_known = {field.name for field in fields} <= set(self._names)
        is_plain = self.numerals.is_plain and not self._is_read_in_blocks
        if is_known and is_plain and self._read_by_polars(fields, path, group):
            return
        super().copy(fields, path, group)

    def _read_by_polars(self, fields: Sequence[Field], path: Path, group: int) -> bool:
        numbers = [field for field in fields if field.wire == "number"]
        plain = [field.name for field in numbers if not field.missing]
        types = dict.fromkeys(self._names, pl.String()) | dict.fromkeys(plain, pl.Float64())
        frame = self._read(types)
        readings = [reading(str(self.path), field, types[field.name]) for field in fields]
        others = {field.name for field in numbers} - set(plain)  # polars reads them as text
        self.check(frame, [column for column in readings if column.name in others], self.num_rows())
        values = [column.value.alias(column.name) for column in readings]
        try:
            frame.select(values).sink_parquet(path, compression="lz4", row_group_size=group)
        except pl.exceptions.ComputeError as error:
            if "(os error " in str(error):  # a full disk
                raise
            return False
        written = pl.scan_parquet(path)
        large = pl.max_horizontal(pl.lit(0.0), *(pl.col(name).abs().max() for name in plain))
        rows, largest = written.select(pl.len(), large.alias("largest")).collect().row(0)
        return bool(rows == self.num_rows() and largest < EXACT_BELOW)

    def _read(self, types: Mapping[str, pl.DataType]) -> pl.LazyFrame:
        if self._is_read_in_blocks:
            return register_io_source(self._blocks, schema=dict(types), is_pure=True)
        return pl.scan_csv(
            self.path,
            glob=False,
            skip_rows=0 if self.config.names else 1,  # polars leaves doubled quotes in names
            **self._settings(types),
        )

    def _blocks(
        self,
        names: list[str] | None,
        predicate: pl.Expr | None,
        num_rows: int | None,
        _: int | None,
    ) -> Iterator[pl.DataFrame]:
        """The rows for polars, which reads only UTF-8, and maps whole files."""
        types = dict.fromkeys(self._names, pl.String())
        for block in records(self.path, self.config):
            frame = pl.read_csv(block, **self._settings(types)).slice(0, num_rows)
            if num_rows is not None:
                num_rows -= len(frame)
            frame = frame if predicate is None else frame.filter(predicate)
            yield frame if names is None else frame.select(names)
            if num_rows == 0:
                return

    def _settings(self, types: Mapping[str, pl.DataType]) -> dict[str, Any]:
        return {
            "separator": self.config.delimiter,
            "quote_char": self.config.quote or None,
            "schema": types,
            "has_header": False,
        }

    @property
    def _is_read_in_blocks(self) -> bool:
        limit, _ = resource.getrlimit(resource.RLIMIT_AS)  # as `ulimit -v` and batch systems set it
        has_room = limit == resource.RLIM_INFINITY or self.path.stat().st_size < limit / 4
        return self.config.encoding != UTF8 or not has_room

    @cached_property
    def _names(self) -> list[str]:
        return header(self.path, self.config)

    @cached_property
    def _num_rows(self) -> int:
        return num_rows(self.path, self.config)
