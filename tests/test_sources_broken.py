"""Broken files: what becomes of each is written down in golden/broken_files.txt, for a person."""

import datetime as dt
import random
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from onward.errors import DataError
from onward.schema import Field
from onward.table.sources import Source, Table

NUMBER, TEXT = Field("a", "numerical", "number"), Field("b", "categorical", "text")
POLARS = re.compile(r"\((parquet|column with name).*\)(?=\.)")  # its words, of any version
LONG = 60  # letters of a value that are shown

NOON = dt.datetime(2024, 1, 31, 12)
WIDE = [f"c{place}" for place in range(9_998)]

CSV: dict[str, bytes] = {
    "byte order mark": b"\xef\xbb\xbfa,b\n1,x\n",
    "Latin-1": "a,b\n1,Köln\n".encode("latin-1"),
    "UTF-16": "a,b\n1,x\n".encode("utf-16"),
    "UTF-16 without a mark": "a,b\n1,x\n".encode("utf-16-le"),
    "a name twice": b"a,b,a\n1,x,2\n",
    "an empty name": b"a,b,\n1,x,2\n",
    "blanks in the header": b" a , b \n1,x\n",
    "a short row": b"a,b\n1,x\n2\n3,y\n",
    "a long row": b"a,b\n1,x\n2,y,z\n",
    "the last line cut": b"a,b\n1,x\n2",
    "the last line without its end": b"a,b\n1,x\n2,y",
    "lines that end with carriage returns": b"a,b\r1,x\r2,y\r",
    "one lone carriage return": b"a,b\n1,x\r2,y\n",
    "a quote that is never closed": b'a,b\n1,"x\n2,y\n3,z\n',
    "a quote inside a field": b'a,b\n1,5" pipe\n',
    "a NUL": b"a,b\n1,x\0\n",
    "a header only": b"a,b\n",
    "zero bytes": b"",
    "blank lines between": b"a,b\n1,x\n\n2,y\n",
    "a comment above": b"# of 2024\na,b\n1,x\n",
    "a footer": b"a,b\n1,x\nTotal: 1\n",
    "the header again": b"a,b\n1,x\na,b\n2,y\n",
    "a text after many numbers": b"a,b\n" + b"1,x\n" * 20_000 + b"none,x\n",
    "a number of 20 digits": b"a,b\n12345678901234567890,x\n",
    "a number beyond float64": b"a,b\n1e400,x\n",
    "leading zeros": b"a,b\n01234,01234\n",
    "a decimal comma": b'a,b\n"1,5",x\n',
    "a thousands separator": b'a,b\n"1,234",x\n',
    "a cell of a megabyte": b"a,b\n1," + b"x" * 2**20 + b"\n",
    "ten thousand columns": b"%s\n1%s\n" % (",".join(["a", "b", *WIDE]).encode(), b",x" * 9_999),
    "a formula": b"a,b\n1,=SUM(A1:A9)\n",
    "semicolons": b"a;b\n1,5;x\n",
}  # fmt: skip


def page_checksums(folder: Path) -> bytes:
    table = pa.table({"a": np.arange(900) * 1.5, "b": [f"word {row}" for row in range(900)]})
    path = folder / "whole.parquet"
    parquet.write_table(table, path, row_group_size=300, write_page_checksum=True)
    return path.read_bytes()


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit flipped at the start": lambda data: flipped(data, 0),
    "a bit flipped in the first page": lambda data: flipped(data, 300),
    "a bit flipped in the middle": lambda data: flipped(data, len(data) // 2),
    "a bit flipped in the footer": lambda data: flipped(data, len(data) - 100),
    "a bit flipped in the length of the footer": lambda data: flipped(data, len(data) - 8),
    "cut in half": lambda data: data[: len(data) // 2],
    "the last byte cut off": lambda data: data[:-1],
    "bytes missing inside": lambda data: data[:500] + data[800:],
    "zeros inside": lambda data: data[:500] + bytes(300) + data[800:],
    "zero bytes": lambda data: b"",
    "CSV with the wrong ending": lambda data: b"a,b\n1,x\n",
}

ARRAYS: dict[str, pa.Table] = {
    "lists": pa.table({"a": [[1.5]], "b": ["x"]}),
    "objects": pa.table({"a": [1.5], "b": [{"c": "x"}]}),
    "decimals": pa.table({"a": [Decimal("1.50"), None], "b": ["x", "y"]}),
    "decimals as text": pa.table({"a": [1.5], "b": [Decimal("1.50")]}),
    "times with a zone": pa.table(
        {"a": [1.5], "b": pa.array([NOON], pa.timestamp("us", "Asia/Tokyo"))}
    ),
    "dates as numbers": pa.table({"a": [dt.date(2024, 1, 31)], "b": ["x"]}),
    "infinity": pa.table({"a": [1.0, float("inf")], "b": ["x", "y"]}),
    "identifiers as numbers": pa.table({"a": [2**53 + 1], "b": ["x"]}),
    "bytes": pa.table({"a": [1.5], "b": [b"\xff"]}),
    "no rows": pa.table({"a": pa.array([], pa.float64()), "b": pa.array([], pa.string())}),
    "a name twice": pa.table([[1.5], ["x"], [2.5]], names=["a", "b", "a"]),
}  # fmt: skip


def outcome(table: Callable[[], Table], folder: Path) -> str:
    try:
        frame = table().scan([NUMBER, TEXT]).collect()
    except DataError as error:
        message = str(error).replace(f"{folder}/", "")
        return f"exit {error.exit_code}: {POLARS.sub('(...)', message)}"
    shown = [f"{a!r} and {b if b is None else b[:LONG]!r}" for a, b in frame.head(2).rows()]
    return f"accepted: {frame.height} rows: {'; '.join(shown)}"


def outcomes(folder: Path) -> Iterator[str]:
    for case, data in CSV.items():
        path = folder / "table.csv"
        path.write_bytes(data)
        yield f"CSV, {case}\n  {outcome(lambda p=path: Source.for_path(p), folder)}"  # type: ignore[misc]
        found = Source.infer_config(path).config
        settings = found.model_dump(exclude_defaults=True, exclude={"path"})
        if settings:
            yield f"  after init, {settings}: {outcome(lambda c=found: Source.open(c), folder)}"  # type: ignore[misc]
    path = folder / "table.parquet"
    for case, damage in DAMAGES.items():
        path.write_bytes(damage(page_checksums(folder)))
        yield f"Parquet, {case}\n  {outcome(lambda: Source.for_path(path), folder)}"
    for case, table in ARRAYS.items():
        parquet.write_table(table, path)
        yield f"Parquet, {case}\n  {outcome(lambda: Source.for_path(path), folder)}"


def test_what_becomes_of_broken_files(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    golden("broken_files.txt", "\n".join(outcomes(tmp_path)) + "\n")


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_no_flipped_bit_of_a_file_with_checksums_changes_a_value(
    version: str, tmp_path: Path
) -> None:
    path = tmp_path / "table.parquet"
    table = pa.table({"a": np.arange(900) * 1.5, "b": [f"word {row}" for row in range(900)]})
    parquet.write_table(
        table, path, row_group_size=300, write_page_checksum=True, data_page_version=version
    )
    data = path.read_bytes()
    whole = Source.for_path(path).scan([NUMBER, TEXT]).collect()
    draw = random.Random(0)
    for _ in range(200):
        path.write_bytes(flipped(data, draw.randrange(len(data))))
        try:
            read = Source.for_path(path).scan([NUMBER, TEXT]).collect()
        except DataError:
            continue
        assert read.equals(whole)


def test_a_file_without_checksums_is_read(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1.5], "b": ["x"]})
    frame.write_parquet(tmp_path / "table.parquet")
    assert Source.for_path(tmp_path / "table.parquet").scan([NUMBER, TEXT]).collect().equals(frame)
