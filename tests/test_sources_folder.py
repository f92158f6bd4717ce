"""Tables in many files: one below the other, or refused with the file that differs."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from onward.errors import DataError
from onward.schema import Field
from onward.table.sources import Source, Table
from onward.table.sources.csv import Csv
from onward.table.sources.jsonl import Jsonl
from onward.table.sources.parquet import Parquet

NUMBER, TEXT = Field("n", "numerical", "number"), Field("t", "categorical", "text")


def rows(table: Table, *fields: Field) -> dict[str, list[Any]]:
    return table.scan(fields).collect().to_dict(as_series=False)


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_files_come_in_the_order_of_their_names_and_columns_in_any(tmp_path: Path) -> None:
    write(tmp_path, b_csv="t,n\ny,2\n", a_csv="n,t\n1,x\n", c__d_csv="n,t\n3,z\n", e_txt="no table")
    table = Source.open(Csv.Config(path=tmp_path, files="**/*.csv"))
    assert table.names() == ["n", "t"]
    assert table.num_rows() == 3
    assert rows(table, NUMBER, TEXT) == {"n": [1, 2, 3], "t": ["x", "y", "z"]}


def test_only_files_that_match_are_read(tmp_path: Path) -> None:
    write(tmp_path, a1_csv="n\n1\n", a2_csv="n\n2\n", b_csv="m\n3\n", _a3_csv="n\n4\n")
    (tmp_path / "_a4.csv").write_text("n\n5\n")
    table = Source.open(Csv.Config(path=tmp_path, files="a?.csv"))
    assert rows(table, NUMBER) == {"n": [1, 2]}


def test_settings_are_those_of_each_file(tmp_path: Path) -> None:
    write(tmp_path, a_csv="n;t\n1,5;x\n", b_csv="n;t\n2,5;y\n")
    config = Csv.Config(path=tmp_path, files="*.csv", delimiter=";", decimal=",")
    assert rows(Source.open(config), NUMBER) == {"n": [1.5, 2.5]}


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("n,u\n2,y\n", "b.csv: there is no column 't', unlike in"),
        ("n,t,u\n2,y,z\n", "b.csv: there is also column 'u', unlike in"),
        ("n,t\n2,y\n3\n", "b.csv: row 2 (line 3) has 1 field instead of 2"),
        ("n,t\n2,y\nx,z\n", "b.csv: column 'n' has 1 of 2 values that are not finite numbers"),
        ("", "b.csv: the file is empty"),
    ],
)  # fmt: skip
def test_the_file_that_differs_is_named(second: str, message: str, tmp_path: Path) -> None:
    write(tmp_path, a_csv="n,t\n1,x\n", b_csv=second)
    table = Source.open(Csv.Config(path=tmp_path, files="*.csv"))
    with pytest.raises(DataError, match=re.escape(message)):
        table.scan([NUMBER, TEXT])


def test_a_number_that_is_whole_in_one_file_only_is_a_number(tmp_path: Path) -> None:
    write(tmp_path, a_jsonl='{"n": 1}\n', b_jsonl='{"n": 2.5}\n{"n": null}\n')
    table = Source.open(Jsonl.Config(path=tmp_path, files="*.jsonl"))
    assert rows(table, NUMBER) == {"n": [1, 2.5, None]}
    assert table.head(2)["n"].to_list() == [1, 2.5]


def test_types_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    pl.DataFrame({"n": [[1]]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"n": [1.5]}).write_parquet(tmp_path / "b.parquet")
    table = Source.open(Parquet.Config(path=tmp_path, files="*.parquet"))
    with pytest.raises(DataError, match="incompatible types in two files"):
        table.read(["n"])


def test_a_column_of_the_folders_is_one_more_column(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": [1, 2, 3], "year": [2023, 2024, 2024], "t": ["é/ü", "x", None]})
    folders = pl.PartitionBy(tmp_path, key=["year", "t"], include_key=False)
    frame.lazy().sink_parquet(folders, mkdir=True)
    table = Source.open(Parquet.Config(path=tmp_path, files="**/*.parquet"))
    year = Field("year", "numerical", "number")
    assert table.names() == ["n", "year", "t"]
    got = table.scan([year, TEXT, NUMBER]).sort("n").collect()
    assert got.rows() == [(2023, "é/ü", 1), (2024, "x", 2), (2024, None, 3)]
    assert table.scan([TEXT]).collect().height == 3


def test_a_folder_that_is_no_number_is_refused_as_its_values_are(tmp_path: Path) -> None:
    (tmp_path / "n=many").mkdir()
    (tmp_path / "n=many" / "a.csv").write_text("t\nx\ny\n")
    table = Source.open(Csv.Config(path=tmp_path, files="**/*.csv"))
    message = r"a\.csv: column 'n' has 2 of 2 .* the first is 'many' in row 1 \(line 2\)"
    with pytest.raises(DataError, match=message):
        table.scan([NUMBER])


def test_a_column_of_the_file_goes_before_the_folder(tmp_path: Path) -> None:
    (tmp_path / "n=1").mkdir()
    (tmp_path / "n=1" / "a.csv").write_text("n\n2\n")
    table = Source.open(Csv.Config(path=tmp_path, files="**/*.csv"))
    assert table.names() == ["n"]
    assert rows(table, NUMBER) == {"n": [2]}


def test_a_folder_says_which_of_its_files_make_up_the_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape("`files: '**/*.csv'`")):
        Source.open(Csv.Config(path=tmp_path))
    with pytest.raises(DataError, match=r"no file in it matches '\*\.csv'"):
        Source.open(Csv.Config(path=tmp_path, files="*.csv")).names()


def test_a_folder_of_one_kind_is_sniffed_in_its_first_file(tmp_path: Path) -> None:
    write(tmp_path, a_csv="n;t\n1,5;x\n", b_csv="n;t\n2,5;y\n", README_md="what this is")
    found = Source.infer_config(tmp_path)
    assert found.config == Csv.Config(path=tmp_path, files="**/*.csv", delimiter=";", decimal=",")
    assert all(reason.endswith("(in a.csv)") for reason in found.reasons)


@pytest.mark.parametrize(
    ("name", "what"), [("b.jsonl", r"end in \.csv, \.jsonl"), ("README", "the folder has no table")]
)
def test_a_folder_of_several_kinds_or_none_is_refused(name: str, what: str, tmp_path: Path) -> None:
    if what.startswith("end in"):
        write(tmp_path, a_csv="n\n1\n")
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=what):
        Source.infer_config(tmp_path)
