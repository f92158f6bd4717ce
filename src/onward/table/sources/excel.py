"""Excel sheets."""

import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cached_property
from importlib import import_module
from typing import Any, Literal

import polars as pl

from onward.errors import ConfigError, DataError
from onward.table.sources._base import Sniffed, Source
from onward.table.sources._excel_cells import columns_of, refuse_uncomputed

UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""Errors of zipfile for damage, unsupported compression, and passwords."""


class Excel(Source):
    """A sheet of a workbook with names in the first row; numbers mixed with texts become text."""

    class Config(Source.Config):
        """``sheet`` is required if the workbook has several."""

        type: Literal["excel"] = "excel"
        sheet: str | None = None

    config: Config
    suffixes = {".xlsx": {}, ".xlsm": {}}

    @classmethod
    def sniff(cls, config: Config) -> Sniffed:
        """Choose the first of several sheets."""
        with closing(cls(config)._workbook(data_only=True)) as book:
            names = book.sheetnames
        if len(names) < 2:
            return Sniffed(config, ())
        reason = f"sheet: the first of {len(names)}: {', '.join(map(repr, names))}"
        return Sniffed(config.model_copy(update={"sheet": names[0]}), (reason,))

    def names(self) -> list[str]:
        """Column names in the first row."""
        return self._table.columns

    def num_rows(self) -> int:
        """Number of rows below the first."""
        return self._table.height

    def position(self, row: int) -> str:
        """The row, and its row in the sheet."""
        return f"row {row} (row {row + 1} of the sheet)"

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """Raw columns of numbers, texts, booleans or dates."""
        return self._table.lazy().select(names)

    @cached_property
    def _table(self) -> pl.DataFrame:
        with (
            closing(self._workbook(data_only=True)) as values,
            closing(self._workbook(data_only=False)) as formulas,
        ):
            sheet = self._sheet(values.sheetnames)
            self._refuse_merged(values[sheet])
            return columns_of(self.path, sheet, self._rows(values[sheet], formulas[sheet]))

    def _rows(self, values: Any, formulas: Any) -> Iterator[Any]:
        for row, written in zip(values.iter_rows(), formulas.iter_rows(), strict=True):
            refuse_uncomputed(str(self.path), row, written)
            yield row

    def _sheet(self, names: list[str]) -> str:
        if self.config.sheet is None and len(names) == 1:
            return names[0]
        if self.config.sheet not in names:
            raise DataError(
                f"{self.path}: `sheet` is {self.config.sheet!r}, and there are"
                f" {', '.join(map(repr, names))}. Name one of them"
            )
        return self.config.sheet

    def _refuse_merged(self, sheet: Any) -> None:
        """Refuse merged cells, of which only one has the value."""
        with zipfile.ZipFile(self.path) as archive, archive.open(sheet._worksheet_path) as file:
            last = b""
            while data := file.read(1 << 20):
                if b"<mergeCell " in last + data:
                    raise DataError(
                        f"{self.path}: sheet {sheet.title!r} has merged cells. Split them, and"
                        " write the value into each"
                    )
                last = data[-20:]

    def _workbook(self, *, data_only: bool) -> Any:
        self._refuse_damage()
        try:
            openpyxl: Any = import_module("openpyxl")
        except ImportError as error:
            raise ConfigError(
                f"{self.path}: the library for Excel is not installed. Install the extra excel:"
                " `pip install 'onward[excel]'`"
            ) from error
        try:
            with warnings.catch_warnings(action="ignore"):  # of drawings and colors
                return openpyxl.load_workbook(self.path, read_only=True, data_only=data_only)
        except (KeyError, ValueError) as error:  # a zip file, but not a workbook
            raise self._damage_error(error) from error

    def _refuse_damage(self) -> None:
        """Compare each part of the file with its checksum."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                part = archive.testzip()
        except UNREADABLE as error:
            raise self._damage_error(error) from error
        if part is not None:
            raise self._damage_error(f"the checksum of {part} differs")

    def _damage_error(self, why: object) -> DataError:
        return DataError(
            f"{self.path}: this cannot be read as a workbook of Excel ({why}). If a password"
            " protects it, remove that; else save it again as .xlsx"
        )
