"""Sheets of Excel: cells have types; those without one meaning are refused by their address."""

import contextlib
import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from onward.errors import DataError
from onward.schema import Field
from onward.table.sources import Source
from onward.table.sources.excel import Excel
from onward.wires import ScalarWire

openpyxl = pytest.importorskip("openpyxl")
DAY = dt.datetime(2024, 2, 1)
NOON = dt.datetime(2024, 1, 31, 12)


def written(folder: Path, *rows: list[Any], sheets: tuple[str, ...] = ("orders",)) -> Path:
    book = openpyxl.Workbook()
    for place, name in enumerate(sheets):
        sheet = book.create_sheet(name, place)
        for row in rows:
            sheet.append(row)
    del book["Sheet"]
    book.save(folder / "table.xlsx")
    return folder / "table.xlsx"


def column(path: Path, wire: ScalarWire, missing: tuple[str, ...] = ()) -> list[Any]:
    return Source.for_path(path).scan([Field("a", "any", wire, missing)]).collect()["a"].to_list()


CELLS: dict[str, tuple[list[Any], ScalarWire, list[Any]]] = {
    "numbers": ([1, 2.5, None, -3], "number", [1, 2.5, None, -3]),
    "whole numbers as text": ([1, None, 23], "text", ["1", None, "23"]),
    "texts": (["x", None, "01234"], "text", ["x", None, "01234"]),
    "numbers among texts": (["NA", 1.5, 7], "text", ["NA", "1.5", "7"]),
    "texts among numbers": (["NA", 1.5, 7], "number", [None, 1.5, 7]),
    "booleans": ([True, None, False], "number", [1, None, 0]),
    "days": ([DAY, None], "text", ["2024-02-01", None]),
    "times": ([NOON, DAY], "text", ["2024-01-31T12:00:00", "2024-02-01T00:00:00"]),
    "nothing": ([None, None], "number", [None, None]),
}  # fmt: skip


@pytest.mark.parametrize("case", CELLS)
def test_cells_become_these_values(case: str, tmp_path: Path) -> None:
    cells, wire, values = CELLS[case]
    path = written(tmp_path, ["a", "b"], *([cell, 1] for cell in cells))
    assert column(path, wire, ("NA",)) == values


BROKEN: dict[str, tuple[list[list[Any]], str]] = {
    "an error": ([["a"], [1], ["#N/A"]], "sheet 'orders': A3 is the error #N/A"),
    "a formula without a value": ([["a"], ["=1+1"]], "A2 is a formula without a value"),
    "a blank row": ([["a"], [1], [None], [2]], "row 3 is blank, and rows follow below it"),
    "a value beside the table": ([["a"], [1, 2]], "B2 has a value, but its column has no name"),
    "a name twice": ([["a", "a"], [1, 2]], "several columns are named 'a'"),
    "nothing above": ([[None], ["a"], [1]], "row 1 is empty, but must have"),
    "a header only": ([["a"]], "has a header, but no rows"),
    "dates and numbers": ([["a"], [NOON], [1]], "column 'a' holds dates, numbers"),
    "a time of day": ([["a"], [dt.time(12, 30)]], "A2 is a time without a date"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_sheet_without_one_meaning_is_refused(case: str, tmp_path: Path) -> None:
    rows, message = BROKEN[case]
    with pytest.raises(DataError, match=re.escape(message)):
        column(written(tmp_path, *rows), "number")


def test_long_whole_numbers_are_no_identifiers(tmp_path: Path) -> None:
    path = written(tmp_path, ["a"], [5], [2**53 + 1])
    assert column(path, "number") == [5, 2.0**53]
    with pytest.raises(DataError, match="'a' has 1 of 2 values that are not whole numbers"):
        column(path, "text")
    with pytest.raises(DataError, match="more than 15 digits, which Excel rounds"):
        column(written(tmp_path, ["a"], ["x"], [2**53 + 1]), "text")


def test_blank_rows_and_columns_behind_the_table_are_no_part_of_it(tmp_path: Path) -> None:
    path = written(tmp_path, ["a", None], [1, None], [None, None], [None])
    assert column(path, "number") == [1]


def test_merged_cells_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ["a", "b"], ["x", 1], [None, 2])
    book = openpyxl.load_workbook(path)
    book.active.merge_cells("A2:A3")
    book.save(path)
    with pytest.raises(DataError, match="'orders' has merged cells"):
        column(path, "text")


def test_a_value_that_is_no_number_is_found_in_the_sheet(tmp_path: Path) -> None:
    path = written(tmp_path, ["a"], [1], ["x"])
    with pytest.raises(DataError, match=r"the first is 'x' in row 2 \(row 3 of the sheet\)"):
        column(path, "number")


def test_one_of_several_sheets_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, ["a"], [1], sheets=("first", "second"))
    with pytest.raises(DataError, match="`sheet` is None, and there are 'first', 'second'"):
        column(path, "number")
    found = Source.infer_config(path)
    assert found.config == Excel.Config(path=path, sheet="first")
    assert found.reasons == ("sheet: the first of 2: 'first', 'second'",)
    assert Source.open(found.config).num_rows() == 1


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"PK\x03\x04 cut"])
def test_what_is_no_workbook_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "table.xlsx").write_bytes(data)
    with pytest.raises(DataError, match="cannot be read as a workbook of Excel"):
        column(tmp_path / "table.xlsx", "number")


@pytest.mark.parametrize("place", range(100, 4000, 150))
def test_a_flipped_bit_changes_no_value(place: int, tmp_path: Path) -> None:
    path = written(tmp_path, ["a", "b"], *([row * 1.5, f"word {row}"] for row in range(200)))
    whole = column(path, "number")
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)
    with contextlib.suppress(DataError):
        assert column(path, "number") == whole
