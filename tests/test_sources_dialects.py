"""CSV that is not written in the usual way: read as the config says, which init finds out."""

import csv
import gzip
import io
import re
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onward.errors import DataError
from onward.schema import Field
from onward.table.sources import Source, _blocks
from onward.table.sources.csv import Csv
from onward.wires import ScalarWire


def scanned(
    path: Path, settings: dict[str, Any], wire: ScalarWire = "text"
) -> list[tuple[Any, ...]]:
    source = Source.open(Csv.Config(path=path, **settings))
    return source.scan([Field(name, "any", wire) for name in source.names()]).collect().rows()


WRITTEN: dict[str, tuple[bytes, dict[str, Any], list[tuple[str | None, ...]]]] = {
    "Latin-1": (
        "a;b\n1;Köln\n".encode("latin-1"),
        {"encoding": "latin-1", "delimiter": ";"},
        [("1", "Köln")],
    ),
    "UTF-16 with a mark": (
        "a\tb\n1\té\n".encode("utf-16"),
        {"encoding": "utf-16", "delimiter": "\t"},
        [("1", "é")],
    ),
    "UTF-16 without": ("a,b\n1,é\n".encode("utf-16-be"), {"encoding": "utf-16-be"}, [("1", "é")]),
    "UTF-16 with a mark that is not needed": (
        "\ufeffa,b\n1,é".encode("utf-16-le"),
        {"encoding": "utf-16-le"},
        [("1", "é")],
    ),
    "Japanese, packed": (
        gzip.compress("a,b\n東,京\n".encode("shift_jis")),
        {"encoding": "shift_jis"},
        [("東", "京")],
    ),
    "single quotes": (b"a,b\n'1,5','it''s \"so\"\n'\n", {"quote": "'"}, [("1,5", 'it\'s "so"\n')]),
    "no quotes": (b'a,b\n5" pipe,"x\n', {"quote": ""}, [('5" pipe', '"x')]),
    "no header": (b"1,2\n3,4\n", {"names": ("x", "y")}, [("1", "2"), ("3", "4")]),
    "no header, Latin-1": (
        "ä\nö".encode("latin-1"),
        {"names": ("x",), "encoding": "latin-1"},
        [("ä",), ("ö",)],
    ),
}


@pytest.mark.parametrize("case", WRITTEN)
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_a_file_is_read_as_its_settings_say(
    case: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_blocks, "SIZE", size)
    data, settings, rows = WRITTEN[case]
    (tmp_path / "t.csv").write_bytes(data)
    assert scanned(tmp_path / "t.csv", settings) == rows


texts = st.text(st.characters(codec="utf-16", exclude_characters="\0\r"), max_size=5)


@given(
    st.lists(st.tuples(texts, texts | st.text("',\";\n", max_size=5)), min_size=1, max_size=9),
    st.sampled_from("\"'"),
    st.sampled_from(["utf-8", "utf-16", "utf-16-be", "gb18030"]),
    st.booleans(),
)
def test_any_rows_come_back(
    rows: list[tuple[str, str]], quote: str, encoding: str, has_header: bool
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quotechar=quote, quoting=csv.QUOTE_ALL, delimiter=";")
    writer.writerows([("a", "b"), *rows] if has_header else rows)
    settings: dict[str, Any] = {"quote": quote, "encoding": encoding, "delimiter": ";"}
    settings |= {} if has_header else {"names": ("a", "b")}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(_blocks, "SIZE", 16)
        path = Path(folder) / "t.csv"
        path.write_bytes(text.getvalue().encode(encoding))
        assert scanned(path, settings) == [(a or None, b or None) for a, b in rows]


def test_lines_are_found_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes('1,"\n"\nx,5\n'.encode("utf-16"))
    settings = {"encoding": "utf-16", "names": ("a", "b")}
    with pytest.raises(DataError, match=r"'a' has 1 of 2 .* the first is 'x' in row 2 \(line 3\)"):
        scanned(path, settings, "number")
    with pytest.raises(DataError, match="line 1 is not valid shift_jis"):
        scanned(path, {**settings, "encoding": "shift_jis"})


def test_a_filter_and_a_head_see_the_right_rows_in_another_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_blocks, "SIZE", 8)
    (tmp_path / "t.csv").write_bytes("".join(f"{n},{n % 3}\n" for n in range(50)).encode("utf-16"))
    config = Csv.Config(path=tmp_path / "t.csv", encoding="utf-16", names=("a", "b"))
    frame = Csv(config).read(["b", "a"])
    assert frame.slice(10, 5).collect()["a"].to_list() == ["10", "11", "12", "13", "14"]
    assert frame.filter(pl.col("b") == "1").head(2).select("a").collect()["a"].to_list() == [
        "1",
        "4",
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoding": "latin-99"}, "there is no encoding 'latin-99'"),
        ({"encoding": "hex"}, "there is no encoding 'hex'"),
        ({"quote": "|"}, "pattern"),
        ({"quote": "'", "delimiter": "'"}, "is also the quote"),
        ({"decimal": ",", "thousands": ","}, "is also `decimal`"),
        ({"decimal": ";"}, "should be '.' or ','"),
        ({"names": ["a", ""]}, "at least 1 character"),
        ({"files": "../*.csv"}, "pattern"),
        ({"files": "/etc/*.csv"}, "pattern"),
    ],
)
def test_settings_without_a_meaning_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        Csv.Config.model_validate({"path": "t.csv", **settings}, strict=False)


SPELLED: dict[str, tuple[dict[str, str], dict[str, float | None]]] = {
    "decimal comma": (
        {"decimal": ","},
        {"1,5": 1.5, "-,5": -0.5, "7": 7, "1,5e3": 1500, "nan": None, " 2, ": 2},
    ),
    "thousands": (
        {"thousands": ","},
        {"1,234.5": 1234.5, "1234.5": 1234.5, "1,234,567": 1234567, "-999": -999},
    ),
    "German": (
        {"decimal": ",", "thousands": "."},
        {"1.234,5": 1234.5, "1.234": 1234, "12,25": 12.25},
    ),
    "Swiss": ({"thousands": "'"}, {"1'234.5": 1234.5}),
    "French": (
        {"decimal": ",", "thousands": " "},
        {"1 234,5": 1234.5, "1\u202f234": 1234, "12\u00a0345": 12345},
    ),
}


@pytest.mark.parametrize("case", SPELLED)
def test_numbers_are_read_as_they_are_spelled(case: str, tmp_path: Path) -> None:
    settings, numbers = SPELLED[case]
    (tmp_path / "t.csv").write_text("\n".join(["x", *numbers]))
    rows = scanned(tmp_path / "t.csv", {**settings, "delimiter": ";"}, "number")
    assert [row[0] for row in rows] == list(numbers.values())


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"decimal": ","}, "1.5"),
        ({"decimal": ","}, "1,5,5"),
        ({"thousands": ","}, "1,5"),
        ({"thousands": ","}, "1,2,3456"),
        ({"thousands": ","}, "1234,567"),
        ({"thousands": ","}, "1.234,567"),
        ({"thousands": " "}, "1  234"),
        ({"decimal": ",", "thousands": "."}, "1.5"),
        ({"decimal": ",", "thousands": "."}, "1,234.5"),
        ({"decimal": ","}, "9007199254740993"),
    ],
)
def test_a_number_spelled_otherwise_is_refused(
    settings: dict[str, str], text: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(f"x\n1\n{text}\n")
    with pytest.raises(DataError, match=re.escape(f"the first is {text!r} in row 2 (line 3)")):
        scanned(tmp_path / "t.csv", {**settings, "delimiter": ";"}, "number")


SNIFFED: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "usual": (".csv", b"a,b\n1,x\n", {}),
    "semicolons": (".csv", b"a;b\n1,5;x\n", {"delimiter": ";", "decimal": ","}),
    "semicolons, commas in names": (".csv", b"a, cm;b, kg;c\n1;2;3\n", {"delimiter": ";"}),
    "tabs": (".csv", b"a\tb\n1\t2\n", {"delimiter": "\t"}),
    "commas in .tsv": (".tsv", b"a,b\n1,2\n", {"delimiter": ","}),
    "bars": (".csv", b"a|b\n1|2\n", {"delimiter": "|"}),
    "semicolons in texts": (".csv", b"a,b\n1;2,x\n3,y\n", {}),
    "ragged": (".csv", b"a,b\n1,2\n3\n", {}),
    "ragged with semicolons": (".csv", b"a;b\n1;2\n3\n", {"delimiter": ";"}),
    "one column": (".csv", b"a\n1,5\n2\n", {}),
    "single quotes": (".csv", b"a,b\n'1,5',x\n'2,5',y\n", {"quote": "'", "decimal": ","}),
    "single quotes around names": (".csv", b"'a','b'\n'1','x'\n", {"quote": "'"}),
    "inches": (".csv", b'a,b\n5" pipe,12"\n6" pipe,x\n', {"quote": ""}),
    "a blank after a quote": (".csv", b'a,b\n"1" ,2\n', {}),
    "no header": (
        ".csv",
        b"1,x,2.5\n2,y,3.5\n3,z,4.5\n",
        {"names": ("column_1", "column_2", "column_3")},
    ),
    "no header, twice the same": (
        ".csv",
        b"5,0,0\n4,0,0\n",
        {"names": ("column_1", "column_2", "column_3")},
    ),
    "years as names": (".csv", b"town,2019,2020\nx,1,2\ny,3,4\n", {}),
    "counted columns": (".csv", b"0,1,2\n5,5,5\n6,6,6\n", {}),
    "a number as name": (".csv", b"a,1e3\n1,2\n3,4\n", {}),
    "Latin-1": (".csv", "a,b\n1,Köln\n".encode("latin-1"), {"encoding": "windows-1252"}),
    "Latin-1, packed": (
        ".csv.gz",
        gzip.compress("a\nö\n".encode("latin-1")),
        {"encoding": "windows-1252"},
    ),
    "UTF-16": (".csv", "a,b\n1,ö\n".encode("utf-16"), {"encoding": "utf-16"}),
    "UTF-16 without a mark": (".csv", "a,b\n1,ö\n".encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "UTF-16 the other way round": (
        ".csv",
        "a,b\n1,ö\n".encode("utf-16-be"),
        {"encoding": "utf-16-be"},
    ),
    "thousands": (".csv", b'a,b\n"1,234",1.5\n"12,345",2.5\n', {"thousands": ","}),
    "thousands or not": (".csv", b'a\n"1,234"\n', {"thousands": ","}),
    "comma or thousands": (".csv", b"a;b\n1,234;x\n", {"delimiter": ";", "decimal": ","}),
    "German": (
        ".csv",
        b"a;b\n1.234,5;x\n2,5;y\n",
        {"delimiter": ";", "decimal": ",", "thousands": "."},
    ),
    "Swiss": (".csv", b"a\n1'234\n", {"thousands": "'"}),
    "French": (
        ".csv",
        "a;b\n1\u202f234,5;2\n".encode(),
        {"delimiter": ";", "decimal": ",", "thousands": " "},
    ),
    "an address among texts": (".csv", b'a\nx\ny\n"1,234"\n', {}),
    "a few missing": (
        ".csv",
        b"a;b\n1,5;1\n2,5;1\n3,5;1\n4,5;1\nNA;1\n",
        {"delimiter": ";", "decimal": ","},
    ),
    "empty": (".csv", b"", {}),
    "NUL": (".csv", b"a,b\n1,\0\n", {}),
}


@pytest.mark.parametrize("case", SNIFFED)
def test_what_differs_from_the_default_is_found_with_its_reason(case: str, tmp_path: Path) -> None:
    suffix, data, settings = SNIFFED[case]
    path = tmp_path / f"t{suffix}"
    path.write_bytes(data)

    found = Source.infer_config(path)

    usual = Source.config_for(path)
    assert found.config == usual.model_copy(update=settings)
    reasons = [reason.partition(":")[0] for reason in found.reasons]
    assert {name for reason in reasons for name in reason.split(", ")} >= settings.keys()
    assert len(reasons) <= len(settings)


def test_a_number_that_can_be_two_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('a\n"1,234"\n')
    [reason] = Source.infer_config(tmp_path / "t.csv").reasons
    assert reason.startswith("decimal, thousands: '1,234' is 1234; it may also be 1.234")


@given(st.binary(max_size=40) | st.text("ab1,;\t|\"'\n.\r", max_size=40).map(str.encode))
def test_no_file_is_too_strange_to_look_at(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(data)
        try:
            found = Source.infer_config(path)
            Source.open(found.config).num_rows()
        except DataError:
            return
        assert Source.open(found.config).head(10).height > 0
