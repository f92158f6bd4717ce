"""The contract that every source keeps, and what the typed formats refuse."""

import csv
import datetime as dt
import gzip
import io
import json
import math
import re
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather, parquet

from onward.cli._source import open_like
from onward.errors import DataError
from onward.schema import Field
from onward.table.sources import Source, jsonl
from onward.wires import ScalarWire

every_type = pytest.mark.parametrize("name", sorted(Source.members))
Rows = list[dict[str, Any]]


def written(folder: Path, suffix: str, rows: Rows) -> Path:
    """A table in the format that the suffix names, by another writer than ours."""
    path = folder / f"table{suffix}"
    if suffix == ".parquet":
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
        return path
    if suffix in (".arrow", ".feather", ".ipc"):
        feather.write_feather(pl.DataFrame(rows, infer_schema_length=None).to_arrow(), path)
        return path
    if suffix in EXCEL:
        book = openpyxl.Workbook()
        book.active.append(list(rows[0]))
        for row in rows:
            book.active.append(list(row.values()))
        book.save(path)
        return path
    if "json" in suffix:
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
    else:
        text = separated(rows, "\t" if "tsv" in suffix else ",")
    data = text.encode()
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    return path


def separated(rows: Rows, delimiter: str) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def scan(path: Path, **wires: ScalarWire) -> pl.LazyFrame:
    return Source.for_path(path).scan([Field(name, "any", wire) for name, wire in wires.items()])


def scanned(path: Path, **wires: ScalarWire) -> dict[str, list[Any]]:
    return scan(path, **wires).collect().to_dict(as_series=False)


@every_type
def test_type_is_the_name_of_the_file(name: str) -> None:
    assert Source.members[name].__module__ == f"onward.table.sources.{name}"


SUFFIXES = sorted(suffix for each in Source.members.values() for suffix in each.suffixes)
EXCEL = (".xlsx", ".xlsm")  # rounds to 15 digits, and has no control characters
every_suffix = pytest.mark.parametrize("suffix", SUFFIXES)
not_excel = pytest.mark.parametrize("suffix", [each for each in SUFFIXES if each not in EXCEL])


@every_suffix
def test_a_table_is_the_same_in_every_format(suffix: str, tmp_path: Path) -> None:
    rows: Rows = [
        {"age": 39.5, "Größe": "01234", "count": 7},
        {"age": None, "Größe": 'a "b", c\td\n', "count": 2**53 - 1},
        {"age": -1e-300, "Größe": "", "count": -7},
    ]
    path = written(tmp_path, suffix, rows)

    source = Source.for_path(path)
    frame = scanned(path, Größe="text", count="number", age="number")

    assert source.names() == ["age", "Größe", "count"]
    assert source.num_rows() == 3
    assert frame == {
        "Größe": ["01234", 'a "b", c\td\n', None],
        "count": [7.0, 2.0**53 - 1, -7.0],
        "age": [39.5, None, -1e-300],
    }


@every_suffix
def test_a_column_that_is_not_there_is_named_with_the_one_that_was_meant(
    suffix: str, tmp_path: Path
) -> None:
    path = written(tmp_path, suffix, [{"age": 1, "town": "x"}])
    with pytest.raises(DataError, match=r"no column 'agge'\. Did you mean 'age'\?"):
        scanned(path, agge="number")


@not_excel
def test_whole_numbers_that_a_float_would_round_are_no_numbers_but_texts(
    suffix: str, tmp_path: Path
) -> None:
    path = written(tmp_path, suffix, [{"id": 5}, {"id": 2**53 + 1}])
    assert scanned(path, id="text") == {"id": ["5", "9007199254740993"]}
    with pytest.raises(DataError, match=r"'id' has 1 of 2 .* '?9007199254740993'? in row 2"):
        scanned(path, id="number")


@every_suffix
def test_a_name_with_stars_and_brackets_is_no_pattern(suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "[ab]*?"
    folder.mkdir()
    path = written(folder, suffix, [{"age": 1}])
    assert scanned(path, age="number") == {"age": [1]}


def test_a_file_with_another_name_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"table\.doc: .* \.csv, \.csv\.gz, \.feather"):
        Source.for_path(tmp_path / "table.doc")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        Source.for_path(tmp_path / "table.csv")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
awkward = st.text('a,"\n\r\t é', max_size=8)
tables = st.lists(
    st.fixed_dictionaries(
        {"n": st.none() | st.floats(allow_infinity=False), "t": st.none() | texts | awkward}
    ),
    min_size=1,
    max_size=20,
)


@not_excel
@given(tables)
def test_any_table_comes_back_as_it_was_written(suffix: str, rows: Rows) -> None:
    for row in rows:
        row["n"] = None if row["n"] != row["n"] else row["n"]
    rows.append({"n": 0.5, "t": "x"})  # so that Parquet has a type for both
    with tempfile.TemporaryDirectory() as folder:
        frame = scanned(written(Path(folder), suffix, rows), t="text", n="number")
    assert frame["t"] == [row["t"] or None for row in rows]
    assert frame["n"] == [row["n"] for row in rows]


BROKEN_LINES = {
    "zero bytes": (b"", "the file is empty"),
    "cut": (b'{"a": 1}\n{"a": 2', "line 2 is invalid JSON: "),
    "blank line": (b'{"a": 1}\n\n{"a": 2}\n', "line 2 is invalid JSON: Expecting value"),
    "two objects in a line": (b'{"a": 1} {"a": 2}\n', "line 1 is invalid JSON: Extra data"),
    "one array": (b'[\n{"a": 1}\n]\n', "line 1 is invalid JSON"),
    "a line of values": (b'{"a": 1}\n[2]\n', "line 2 is not an object with keys and values"),
    "empty object": (b"{}\n", "line 1 is not an object with keys and values"),
    "key twice": (b'{"a": 1}\n{"a": 1, "a": 2}\n', "line 2 has the key 'a' more than once"),
    "NaN": (b'{"a": NaN}\n', "line 1 has NaN, which is not JSON; write null for a missing value"),
    "huge number": (b'{"a": 1e400}\n', "line 1 has a number outside the range of float64, 1e400"),
    "huge whole number": (b'{"a": 18446744073709551616}\n', "whole number of more than 64 bits"),
    "endless whole number": (b'{"a": ' + b"9" * 5000 + b"}\n", "more than 64 bits"),
    "list": (
        b'{"a": 1}\n{"a": [1]}\n',
        "'a' holds whole numbers (line 1), lists of whole numbers (line 2)",
    ),
    "object": (b'{"a": {"b": 1}}\n', "'a' holds objects (line 1)"),
    "number and text": (b'{"a": "1"}\n{"a": 1.5}\n', "'a' holds texts (line 1), numbers (line 2)"),
    "number and truth": (b'{"a": 1}\n{"a": true}\n', "(line 1), true and false (line 2)"),
    "identifier and fraction": (
        b'{"a": 1234567890123456}\n{"a": 0.5}\n',
        "'a' holds whole numbers of more than 15 digits (line 1), numbers (line 2)",
    ),
    "deep": (b'{"a": ' + b"[" * 10**5 + b"]" * 10**5 + b"}\n", "line 1 is nested too deeply"),
    "NUL": (b'{"a": "\\u0000"}\n', "the first is '\\x00' in row 1"),
    "half a character": (b'{"a": "\\ud83d"}\n', "line 1 has half of a surrogate pair"),
    "Latin-1": ('{"a": "ö"}\n'.encode("latin-1"), "line 1 is not valid UTF-8 at the byte 0xf6"),
    "UTF-16": ('{"a": 1}\n'.encode("utf-16"), "this is UTF-16"),
    "byte order mark": (b'\xef\xbb\xbf{"a": 1}\n', "the file has a byte order mark"),
    "half a gzip": (b"\x1f\x8b\x08\0\0\0\0\0\0\x03abc", "the gzip file is truncated or damaged"),
}


@pytest.mark.parametrize("case", BROKEN_LINES)
def test_broken_json_lines_are_refused_with_the_place(case: str, tmp_path: Path) -> None:
    data, message = BROKEN_LINES[case]
    path = tmp_path / "table.jsonl"
    path.write_bytes(data)
    with pytest.raises(DataError, match=re.escape(message)):
        scanned(path, a="number")


WHOLE_LINES: dict[str, tuple[list[str], ScalarWire, list[Any]]] = {
    "missing in three ways": (['{"a": null}', '{"b": 1}', '{"a": ""}'], "text", [None] * 3),
    "never there": (['{"a": null}'], "number", [None]),
    "truth as numbers": (['{"a": true}', '{"a": false}'], "number", [1, 0]),
    "truth as texts": (['{"a": true}', '{"a": false}'], "text", ["true", "false"]),
    "whole and not": (['{"a": 1}', '{"a": 0.1}'], "number", [1, 0.1]),
    "texts of numbers": (['{"a": "1.50"}', '{"a": " -2"}'], "number", [1.5, -2]),
    "identifiers": (['{"a": 9223372036854775807}'], "text", ["9223372036854775807"]),
    "escapes": (['{"\\u0061": "\\ud83d\\ude00 \\\\u0000"}'], "text", ["😀 \\u0000"]),
    "nested beside": (['{"b": {"a": [2]}, "a": 1}'], "number", [1]),
}


@pytest.mark.parametrize("case", WHOLE_LINES)
def test_json_lines_become_these_values(case: str, tmp_path: Path) -> None:
    lines, wire, values = WHOLE_LINES[case]
    path = tmp_path / "table.jsonl"
    path.write_text("\n".join(lines))
    assert scanned(path, a=wire) == {"a": values}


def test_many_combinations_of_keys_are_forgotten_but_no_column_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "MANY", 2)
    path = written(tmp_path, ".jsonl", [{f"x{row % 7}": row} for row in range(50)])
    source = Source.for_path(path)
    assert (source.names(), source.num_rows()) == ([f"x{key}" for key in range(7)], 50)


NOON = dt.datetime(2024, 1, 31, 12, 34, 56)
SHORT = NOON + dt.timedelta(milliseconds=250)
TYPED: dict[str, tuple[pa.Array, ScalarWire, list[Any]]] = {
    "bool": (pa.array([True, False, None]), "number", [1, 0, None]),
    "bool as text": (pa.array([True, None]), "text", ["true", None]),
    "int8": (pa.array([-5, None], pa.int8()), "number", [-5, None]),
    "float32": (pa.array([0.1], pa.float32()), "number", [float(np.float32(0.1))]),
    "NaN": (pa.array([1.5, math.nan, None]), "number", [1.5, None, None]),
    "decimal": (pa.array([Decimal("1.50")]), "number", [1.5]),
    "nothing": (pa.nulls(2), "number", [None, None]),
    "nothing as text": (pa.nulls(2), "text", [None, None]),
    "uint64 as text": (pa.array([2**64 - 1], pa.uint64()), "text", ["18446744073709551615"]),
    "categories": (pa.array(["b", "", None]).dictionary_encode(), "text", ["b", None, None]),
    "texts of numbers": (pa.array(["1.5", "NaN", ""]), "number", [1.5, None, None]),
    "date": (pa.array([NOON.date(), None]), "text", ["2024-01-31", None]),
    "time": (pa.array([NOON, SHORT]), "text", ["2024-01-31T12:34:56", "2024-01-31T12:34:56.250"]),
    "time in UTC": (pa.array([NOON], pa.timestamp("us", "UTC")), "text", ["2024-01-31T12:34:56Z"]),
    "time in Berlin": (
        pa.array([NOON], pa.timestamp("ns", "Europe/Berlin")),
        "text",
        ["2024-01-31T13:34:56+01:00"],
    ),
}


@pytest.mark.parametrize("case", TYPED)
def test_typed_columns_become_these_values(case: str, tmp_path: Path) -> None:
    array, wire, values = TYPED[case]
    parquet.write_table(pa.table({"a": array}), tmp_path / "table.parquet")
    assert scanned(tmp_path / "table.parquet", a=wire) == {"a": values}


REFUSED: dict[str, tuple[pa.Array, ScalarWire, str]] = {
    "list": (pa.array([[1]]), "number", "'a' holds List(Int64), which is not a number"),
    "struct": (pa.array([{"x": 1}]), "text", "'a' holds Struct({'x': Int64}), which is not text"),
    "bytes": (pa.array([b"1"]), "number", "'a' holds Binary, which is not a number"),
    "date": (pa.array([NOON.date()]), "number", "Declare it as datetime"),
    "duration": (pa.array([dt.timedelta(1)]), "number", "Declare it as another type"),
    "fraction": (pa.array([0.5]), "text", "'a' has 1 of 1 values that are not whole numbers"),
    "infinity": (pa.array([1.0, math.inf]), "number", "are infinite; the first is inf in row 2."),
    "identifier": (pa.array([2**53]), "number", "whole numbers of 2^53 and more"),
    "no number": (pa.array(["1", "x"]), "number", "not finite numbers; the first is 'x' in row 2."),
    "NUL": (pa.array(["x", "\0"]), "text", "are texts with a NUL character; the first is '\\x00'"),
    "no rows": (pa.array([], pa.int64()), "number", "the file has columns, but no rows"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_typed_columns_without_a_meaning_are_refused(case: str, tmp_path: Path) -> None:
    array, wire, message = REFUSED[case]
    parquet.write_table(pa.table({"a": array}), tmp_path / "table.parquet")
    with pytest.raises(DataError, match=re.escape(message)):
        scanned(tmp_path / "table.parquet", a=wire)


def test_texts_for_missing_values_also_mean_the_numbers_they_spell(tmp_path: Path) -> None:
    path = written(tmp_path, ".parquet", [{"a": -999.0}, {"a": 1.0}, {"a": math.inf}])
    fields = [Field("a", "any", "number", ("-999", "?", "inf"))]
    assert Source.for_path(path).scan(fields).collect()["a"].to_list() == [None, 1, None]


def test_parts_of_row_groups_are_the_scanned_rows_and_name_the_row_of_a_fault(
    tmp_path: Path,
) -> None:
    path = tmp_path / "table.parquet"
    table = pl.DataFrame({"a": np.arange(1_000.0), "id": np.arange(1_000)})
    table.write_parquet(path, row_group_size=400)
    fields = [Field("a", "any", "number")]
    parts = [*Source.for_path(path).scan_parts(fields, ["id"], 150)]
    assert [len(part) for part in parts] == [150, 150, 100] * 2 + [150, 50]
    assert pl.concat(parts).equals(Source.for_path(path).scan(fields, ["id"]).collect())

    wrong = table.with_columns(a=pl.when(pl.col("id") == 777).then(math.inf).otherwise("a"))
    wrong.write_parquet(path, row_group_size=400)
    with pytest.raises(DataError, match="infinite; the first is inf in row 778"):
        [*Source.for_path(path).scan_parts(fields, ["id"], 150)]


def whole_parquet(folder: Path) -> tuple[Path, bytes]:
    path = folder / "table.parquet"
    table = {"a": np.arange(3000) * 1.5, "t": [f"word {row}" for row in range(3000)]}
    parquet.write_table(pa.table(table), path, row_group_size=1000)
    return path, path.read_bytes()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "zero bytes": lambda data: b"",
    "start only": lambda data: data[:4],
    "no footer": lambda data: data[:-1000],
    "cut inside": lambda data: data[:2000] + data[-9000:],
    "first page overwritten": lambda data: data[:100] + bytes(4000) + data[4100:],
    "last page overwritten": lambda data: data[:-12000] + bytes(8000) + data[-4000:],
    "footer overwritten": lambda data: data[:-500] + bytes(400) + data[-100:],
    "another format": lambda data: b"a,t\n1,2\n",
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_parquet_file_is_refused_before_anyone_collects(
    case: str, tmp_path: Path
) -> None:
    path, data = whole_parquet(tmp_path)
    path.write_bytes(DAMAGES[case](data))
    with pytest.raises(DataError, match=r"table\.parquet: "):
        scan(path, a="number", t="text")


@given(st.integers(min_value=9), st.integers(0, 7))
def test_a_flipped_bit_in_the_footer_is_refused_or_harmless_to_the_shape(
    place: int, bit: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, data = whole_parquet(Path(folder))
        length = int.from_bytes(data[-8:-4], "little")
        damaged = bytearray(data)
        damaged[-9 - place % length] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            frame = scan(path, a="number", t="text")
        except DataError:
            return
        assert frame.select(pl.len()).collect().item() == Source.for_path(path).num_rows()


def test_names_that_parquet_has_twice_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    parquet.write_table(pa.table([[1], [2]], names=["a", "a"]), path)
    with pytest.raises(DataError, match="'a' has more than one"):
        Source.for_path(path).names()


def test_a_table_of_another_format_than_that_of_the_config_is_read_by_its_name(
    tmp_path: Path,
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("prepare:\n  source: {type: csv, path: t.csv, delimiter: ';'}\n")
    pl.DataFrame({"a": [1.5, 2.5]}).write_parquet(tmp_path / "new.parquet")
    (tmp_path / "new.txt").write_text("a;b\n3.5;1\n")
    (tmp_path / "new.csv").write_text("a;b\n4.5;1\n")
    field = Field("a", "numerical", "number")
    read = [
        open_like(config, tmp_path / f"new.{end}").scan([field], []).collect()["a"].to_list()
        for end in ("parquet", "txt", "csv")
    ]
    assert read == [[1.5, 2.5], [3.5], [4.5]]
