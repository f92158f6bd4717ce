"""CSV files, whole and broken: what is read is what the rules of RFC 4180 say, or nothing is."""

import csv
import gzip
import io
import json
import re
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from onward.errors import DataError
from onward.schema import Field
from onward.table.sources import Source, _blocks


def scanned(folder: Path, data: bytes) -> tuple[list[str], list[tuple[str | None, ...]]]:
    path = folder / "table.csv"
    path.write_bytes(data)
    source = Source.for_path(path)
    names = source.names()
    frame = source.scan([Field(name, "any", "text") for name in names]).collect()
    return names, frame.rows()


def reference(data: bytes) -> tuple[list[str], list[tuple[str | None, ...]]]:
    """As Python's own module reads it, where a blank line is a record too."""
    text = io.StringIO(data.decode(), newline="")
    names, *rows = csv.reader(text, strict=True)
    return names, [tuple(value or None for value in row or [""]) for row in rows]


@settings(max_examples=500)
@given(st.text('ab,"\n\r', max_size=30), st.sampled_from(["a\n", "a,b\n", '"a\n""",b\r\n']))
def test_any_file_is_read_as_python_reads_it_or_refused(rows: str, header: str) -> None:
    data = (header + rows).encode()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(_blocks, "SIZE", 4)
        try:
            got = scanned(Path(folder), data)
        except DataError:
            return
        assert got == reference(data)


BROKEN = {
    "zero bytes": (b"", "the file is empty"),
    "mark only": (b"\xef\xbb\xbf", "the file is empty"),
    "blank lines only": (b"\n\n", "line 1 is empty"),
    "blank before the header": (b"\na,b\n1,2\n", "line 1 is empty"),
    "header only": (b"a,b\n", "has a header, but no rows"),
    "header only, no line end": (b"a,b", "has a header, but no rows"),
    "name twice": (b"a,b,a\n1,2,3\n", "1 of 2 names are duplicated; the first is 'a'"),
    "row too short": (b"a,b\n1,2\n3\n", "row 2 (line 3) has 1 field instead of 2"),
    "row too long": (b"a,b\n1,2,3\n", "row 1 (line 2) has 3 fields instead of 2"),
    "last row cut": (b"a,b,c\n1,2,3\n4,5", "row 2 (line 3) has 2 fields instead of 3"),
    "ragged after a line end in quotes": (
        b'a,b\n"1\n\n1",2\n3\n',
        "row 2 (line 5) has 1 field instead of 2",
    ),
    "ragged with a line end in quotes": (
        b'a,b\n"1\n1"\n3,4\n',
        "row 1 (line 2) has 1 field instead of 2",
    ),
    "blank line": (b"a,b\n1,2\n\n3,4\n", "row 2 (line 3) is blank"),
    "blank line of Windows": (b"a,b\r\n1,2\r\n\r\n3,4\r\n", "row 2 (line 3) is blank"),
    "blank line at the end": (b"a,b\n1,2\n\n", "row 2 (line 3) is blank"),
    "comment before the header": (b"# by station\na,b\n1,2\n", "row 1 (line 2) has 2 fields"),
    "footer": (b"a,b\n1,2\nend of report\n", "row 2 (line 3) has 1 field instead of 2"),
    "decimal commas": (b"a,b\n1,5,2,5\n", "row 1 (line 2) has 4 fields instead of 2"),
    "semicolons": (b"a;b\n1;2\n", "Set `delimiter` to ';' in `source` of the config; `predict`"),
    "tabs": (b"a\tb\n1\t2\n", r"Set `delimiter` to '\t'"),
    "quote never closed": (
        b'a,b\n1,2\n"3,4\n5,6\n',
        "it is opened in row 2 (line 3)",
    ),
    "quote never closed at the end": (b'a,b\n1,2\n3,"4', "opened in row 2 (line 3)"),
    "quote never closed in the header": (b'"a,b\n1,2\n', "line 1 has a quote that is never closed"),
    "quote in a field": (b'a,b\n5" pipe,2\n', "row 1 (line 2) has a quote that is not around"),
    "two quotes in a field": (b'a,b\n1,2\n5" by 3",2\n', "row 2 (line 3) has a quote"),
    "quote after a blank": (b'a,b\n1, "2,3"\n', "row 1 (line 2) has a quote"),
    "text after a quote": (b'a,b\n"1"x,2\n', "row 1 (line 2) has a quote"),
    "blank after a quote": (b'a,b\n"1" ,2\n', "row 1 (line 2) has a quote"),
    "backslash before a quote": (b'a,b\n"say \\"yes\\"",2\n', "row 1 (line 2) has a quote"),
    "quotes in a name": (b'a"b"c,d\n1,2\n', "the header (line 1) has a quote that is not"),
    "NUL": (b"a,b\n1,\x002\n", "line 2 has a NUL byte"),
    "NULs at the end": (b"a,b\n1,2\n\0\0\0\0", "line 3 has a NUL byte"),
    "Latin-1": (
        "a,b\n1,2\nKöln,3\n".encode("latin-1"),
        "line 3 is not valid UTF-8 at the byte 0xf6",
    ),
    "Latin-1 in the header": ("Größe,b\n1,2\n".encode("latin-1"), "line 1 is not valid UTF-8"),
    "Latin-1 with its remedy": ("ö,b\n1,2\n".encode("latin-1"), "iconv -f windows-1252 -t utf-8"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "this is UTF-16"),
    "UTF-16 without mark": ("a,b\n1,2\n".encode("utf-16-le"), "iconv -f utf-16"),
    "lone carriage returns": (b"a,b\r1,2\r3,4\r", r"line 1 has a carriage return (\r)"),
    "one carriage return": (b"a,b\n1,2\n3\r,4\n", r"row 2 (line 3) has a carriage return (\r)"),
    "Parquet": (b"PAR1\x15\x04\x15\0\x15\x02", "NUL byte"),
    "half a gzip": (b"\x1f\x8b\x08\0\0\0\0\0\0\x03abc", "the gzip file is truncated or damaged"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_with_the_place(case: str, tmp_path: Path) -> None:
    data, message = BROKEN[case]
    with pytest.raises(DataError, match=re.escape(message)) as refusal:
        scanned(tmp_path, data)
    assert str(refusal.value).startswith(f"{tmp_path / 'table.csv'}: ")


@pytest.mark.parametrize("case", BROKEN)
def test_it_does_not_matter_where_a_block_ends(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_blocks, "SIZE", 1)
    test_a_broken_file_is_refused_with_the_place(case, tmp_path)


WHOLE: dict[str, tuple[bytes, list[tuple[str | None, ...]]]] = {
    "byte order mark": (b"\xef\xbb\xbfa,b\n1,2\n", [("1", "2")]),
    "lines of Windows": (b"a,b\r\n1,2\r\n3,4\r\n", [("1", "2"), ("3", "4")]),
    "lines of both kinds": (b"a,b\r\n1,2\n3,4\r\n", [("1", "2"), ("3", "4")]),
    "no line end at the end": (b"a,b\n1,2", [("1", "2")]),
    "empty fields": (b'a,b\n,""\n,\n', [(None, None), (None, None)]),
    "blanks": (b"a,b\n 1 ,\t\n", [(" 1 ", "\t")]),
    "leading zeros": (b"a,b\n01234,+1\n", [("01234", "+1")]),
    "formula": (b"a,b\n=SUM(A1:A2),@x\n", [("=SUM(A1:A2)", "@x")]),
    "number sign": (b"a,b\n#1,2\n", [("#1", "2")]),
    "quoted": (b'a,b\n"1,5","say ""yes"""\n', [("1,5", 'say "yes"')]),
    "line ends in quotes": (b'a,b\n"1\r\n2\r3\n","\n"\n', [("1\r\n2\r3\n", "\n")]),
    "names with quotes": (b'"a ""b""\n",b\n1,2\n', [("1", "2")]),
    "one column with a blank line": (b"a\n1\n\n2\n", [("1",), (None,), ("2",)]),
    "other scripts": ("a,b\n東京,😀\n".encode(), [("東京", "😀")]),
    "a million characters": (b"a,b\n" + b"x" * 10**6 + b",2\n", [("x" * 10**6, "2")]),
    "a column without a name": (b",b\n1,2\n", [("1", "2")]),
    "delimiters at the end": (b"a,b,\n1,2,\n", [("1", "2", None)]),
    "packed": (gzip.compress(b"a,b\n1,2\n"), [("1", "2")]),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_whole_file_is_read_as_it_is(case: str, tmp_path: Path) -> None:
    data, rows = WHOLE[case]
    assert scanned(tmp_path, data)[1] == rows


def test_there_can_be_ten_thousand_columns(tmp_path: Path) -> None:
    row = ",".join(map(str, range(10_000)))
    names, rows = scanned(tmp_path, f"{row}\n{row}\n".encode())
    assert rows == [tuple(names)]


def test_an_endless_line_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_blocks, "SIZE", 10)
    monkeypatch.setattr(_blocks, "LONGEST", 1000)
    with pytest.raises(DataError, match="a line has more than 1000 bytes"):
        scanned(tmp_path, b"a,b\n" + b"x" * 2000)


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"a\n1\n")
    source = Source.for_path(path)
    source.num_rows()
    path.write_bytes(b"a\n1\n2\n")
    with pytest.raises(DataError, match="1 row became 2: the file is damaged, or changed"):
        source.scan([Field("a", "any", "number")])


def numbers(folder: Path, texts: list[str], missing: tuple[str, ...] = ()) -> list[float | None]:
    path = folder / "table.csv"
    path.write_text("".join(f"{text}\n" for text in ["x", *texts]))
    frame = Source.for_path(path).scan([Field("x", "any", "number", missing)])
    return frame.collect()["x"].to_list()


def test_numbers_may_be_spelled_in_these_ways(tmp_path: Path) -> None:
    texts = ["1", "+1", "-1.50", ".5", "5.", "1e5", "1E-5", "01", " 7\t", "1e-400", "1e17"]
    assert numbers(tmp_path, texts) == [1, 1, -1.5, 0.5, 5, 1e5, 1e-5, 1, 7, 0, 1e17]


def test_missing_numbers_may_be_spelled_in_these_ways(tmp_path: Path) -> None:
    texts = ["", '""', " ", "nan", "NaN", "NAN", "?", " ?", "-9", "-9.0", "inf"]
    assert numbers(tmp_path, texts, ("? ", "-9", "inf")) == [None] * len(texts)


NO_NUMBERS = [
    "n/a",
    "1,5",
    "1_000",
    "0x10",
    "true",
    "12 oz",
    "--1",
    "1e",
    "\u0661",
    "inf",
    "1e400",
    "-",
]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_anything_else_is_no_number_and_named_with_its_place(text: str, tmp_path: Path) -> None:
    lines = ["1", "?", '"\n2"', f'"{text}"', "", f'"{text}"']
    message = (
        f"column 'x' has 2 of 6 values that are not finite numbers; the first is {text!r} in row 4"
        " (line 6). Correct the file, or before training add the text to `missing:`"
    )
    with pytest.raises(DataError, match=re.escape(message)):
        numbers(tmp_path, lines, ("?",))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_float_comes_back_exactly(values: list[float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert numbers(Path(folder), [repr(value) for value in values]) == values


@pytest.mark.parametrize("delimiter", ["", "ab", '"', "\n", "é"])
def test_a_delimiter_is_one_character_of_ascii(delimiter: str) -> None:
    with pytest.raises(ValidationError):
        Source.members["csv"].Config(path=Path("t.csv"), delimiter=delimiter)


DIRTY = Path(__file__).parents[2] / "shared/data/dirty_tables"
MESSY = DIRTY / "messy_penguins"
STRUCTURAL = {
    "01_semicolon_decimalcomma_latin1.csv": "line 1 is not valid UTF-8 at the byte 0xf6",
    "03_utf16.tsv": "this is UTF-16",
    "05_ragged_comment_footer.csv": "row 1 (line 2) has 8 fields instead of 2",
    "09_useless_columns_duplicate_name.csv": "the first is 'body_mass_g'",
    "14_header_only.csv": "no row",
    "15_zero_bytes.csv": "the file is empty",
}


@pytest.mark.skipif(not MESSY.exists(), reason="the shared tables are not here")
def test_messy_tables_have_the_rows_they_should_or_are_refused() -> None:
    for name, expected in json.loads((MESSY / "expected.json").read_text()).items():
        source = Source.for_path(MESSY / name)
        if name in STRUCTURAL:
            with pytest.raises(DataError, match=re.escape(STRUCTURAL[name])):
                source.num_rows()
        else:
            assert source.num_rows() == expected["rows"], name


DIRTY_NUMBERS = {  # file, column, what is missing, how many values are no numbers
    "units": ("messy_penguins/07_units_and_mixed_types.csv", "body_mass_g", ("NA",), 107),
    "more units": ("messy_penguins/07_units_and_mixed_types.csv", "flipper_length_mm", ("NA",), 64),
    "missing codes": ("beers_dirty.csv", "ibu", (), 1005),
    "missing codes declared": ("beers_dirty.csv", "ibu", ("N/A",), 0),
    "no codes": ("beers_clean.csv", "abv", (), 0),
}


@pytest.mark.skipif(not DIRTY.exists(), reason="the shared tables are not here")
@pytest.mark.parametrize("case", DIRTY_NUMBERS)
def test_dirty_numbers_are_counted(case: str) -> None:
    name, column, missing, count = DIRTY_NUMBERS[case]
    source = Source.for_path(DIRTY / name)
    fields = [Field(column, "any", "number", missing)]
    if not count:
        assert source.scan(fields).collect().height == source.num_rows()
        return
    with pytest.raises(DataError, match=f"'{column}' has {count} of {source.num_rows()} values"):
        source.scan(fields)


SPELLED = [
    *["1", "-2.5", "1e3", ".5", "+7", " 3", "4 ", "-0", "00012", "1e-400", "9007199254740993"],
    *["nan", "NaN", "inf", "Infinity", "1e400", "x", "1_0", "0x1", "1,5", "true", "1d3", ""],
]
cells = st.sampled_from(SPELLED) | st.floats().map(repr)


@given(st.lists(cells, min_size=1, max_size=5), st.sampled_from([(), ("x",), ("x", "-2.5")]))
def test_a_copy_is_what_a_scan_is(values: list[str], missing: tuple[str, ...]) -> None:
    fields = [Field("a", "numerical", "number", missing), Field("b", "categorical", "text")]
    with tempfile.TemporaryDirectory() as folder:
        path, copy = Path(folder) / "table.csv", Path(folder) / "copy.parquet"
        lines = [f'"{value}",x\n{value.replace(",", ".")},\n' for value in values]
        path.write_text("".join(["a,b\n", *lines]))
        try:
            want = Source.for_path(path).scan(fields).collect()
        except DataError as error:
            with pytest.raises(DataError, match=re.escape(str(error))):
                Source.for_path(path).copy(fields, copy, 100)
            return
        Source.for_path(path).copy(fields, copy, 100)
        assert pl.read_parquet(copy).equals(want)
