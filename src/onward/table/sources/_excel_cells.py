"""Cells of an Excel sheet as columns."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, NoReturn

import polars as pl

from onward.errors import DataError
from onward.table.sources._header import fill_names

EXACT = 10**15  # Excel rounds longer whole numbers
MIDNIGHT = dt.time()
NUMBERS = frozenset({int, float})
TYPES: dict[frozenset[type], pl.DataType] = {
    frozenset(): pl.Null(),
    frozenset({bool}): pl.Boolean(),
    frozenset({int}): pl.Int64(),
    frozenset({float}): pl.Float64(),
    NUMBERS: pl.Float64(),
    frozenset({str}): pl.String(),
    frozenset({dt.datetime}): pl.Datetime(),
}
"""Type of a column by the types of its cells; mixed numbers and texts are handled apart."""
KINDS = {bool: "true and false", dt.datetime: "dates", int: "numbers", float: "numbers"}


def columns_of(path: Path, sheet: str, rows: Iterator[Sequence[Any]]) -> pl.DataFrame:
    """The rows of openpyxl cells as a table; the first row has the column names.

    Raises:
        DataError: naming the first cell that has no one meaning.
    """
    return _Sheet(f"{path}: sheet {sheet!r}").table(rows)


class _Sheet:
    """Conversion of a sheet; keeps its name for messages."""

    def __init__(self, where: str) -> None:
        self.where = where

    def table(self, rows: Iterator[Sequence[Any]]) -> pl.DataFrame:
        """Its columns."""
        names = self._names(next(rows, ()))
        columns: list[list[Any]] = [[] for _ in names]
        blank = 0
        for row in rows:
            if all(cell.value is None for cell in row):
                blank = blank or len(columns[0]) + 2
                continue
            if blank:
                self._refuse(f"row {blank} is blank, and rows follow below it. Remove it")
            self._add(row, columns)
        if not columns[0]:
            self._refuse("the sheet has a header, but no rows. Add rows, or set another `sheet`")
        return pl.DataFrame([self._series(*pair) for pair in zip(names, columns, strict=True)])

    def _names(self, cells: Sequence[Any]) -> list[str]:
        values = [cell.value for cell in cells]
        while values and values[-1] is None:
            values.pop()
        if not values:
            self._refuse("row 1 is empty, but must have the column names. Add them")
        names = fill_names(["" if value is None else str(value) for value in values])
        repeated = [name for name, count in Counter(names).items() if count > 1]
        if repeated:
            self._refuse(f"several columns are named {repeated[0]!r}. Rename all but one")
        return names

    def _add(self, row: Sequence[Any], columns: list[list[Any]]) -> None:
        for cell in row[len(columns) :]:
            if cell.value is not None:
                self._refuse(
                    f"{cell.coordinate} has a value, but its column has no name. Add the name"
                )
        for index, column in enumerate(columns):
            column.append(self._value(row[index]) if index < len(row) else None)

    def _value(self, cell: Any) -> Any:
        if cell.data_type == "e":
            self._refuse(f"{cell.coordinate} is the error {cell.value}. Correct it, or empty it")
        if isinstance(cell.value, dt.time | dt.timedelta):
            self._refuse(f"{cell.coordinate} is a time without a date. Format it as a number")
        return cell.value

    def _series(self, name: str, values: list[Any]) -> pl.Series:
        kinds = frozenset(map(type, values)) - {NoneType}
        if int in kinds and any(type(v) is int and abs(v) >= EXACT for v in values):
            kinds |= {float}
            if str in kinds:
                self._refuse(
                    f"column {name!r} holds texts, and whole numbers of more than 15 digits, which"
                    " Excel rounds. Format the column as text, and enter these numbers again"
                )
        if str in kinds and kinds <= {str, *NUMBERS}:
            return pl.Series(name, [None if v is None else str(v) for v in values], pl.String())
        if kinds not in TYPES:
            names = sorted({KINDS.get(kind, "texts") for kind in kinds})
            self._refuse(f"column {name!r} holds {', '.join(names)}. Give all cells one format")
        series = pl.Series(name, values, TYPES[kinds], strict=False)
        is_days = kinds == {dt.datetime} and all(v is None or v.time() == MIDNIGHT for v in values)
        return series.cast(pl.Date) if is_days else series

    def _refuse(self, what: str) -> NoReturn:
        raise DataError(f"{self.where}: {what}")


def refuse_uncomputed(where: str, values: Iterable[Any], formulas: Iterable[Any]) -> None:
    """Refuse formulas without stored values in a row.

    Raises:
        DataError: if there is a formula whose value the program that wrote it did not store.
    """
    for value, formula in zip(values, formulas, strict=False):
        if formula.data_type == "f" and value.value is None:
            raise DataError(
                f"{where}: {formula.coordinate} is a formula without a value. Open the file in a"
                " spreadsheet program, and save it"
            )
