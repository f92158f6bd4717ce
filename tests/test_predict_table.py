"""`onward predict TABLE`: kept columns, formats, and values that are odd."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from example_model import TABLE
from test_commands import run
from test_input_policy import file as file  # a model that knows its training rows

from onward import Predictor
from onward.errors import DataError

READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    "csv": pl.read_csv,
    "tsv": lambda path: pl.read_csv(path, separator="\t"),
    "jsonl": pl.read_ndjson,
    "parquet": pl.read_parquet,
    "arrow": pl.read_ipc,
}
ROWS = TABLE.with_columns(id=pl.int_range(100, 108), day=pl.Series(["b,c"] * 8))


@pytest.mark.parametrize("name", READERS)
def test_columns_are_kept_beside_the_predictions(tmp_path: Path, file: Path, name: str) -> None:
    many = pl.concat([ROWS.with_columns(id=pl.int_range(8) + 8 * i) for i in range(2_000)])
    many.write_parquet(tmp_path / "table.parquet")
    output = tmp_path / "out"
    words = ["-o", str(output), "--format", name, "--keep", "id,day", "--keep", "age,id"]

    result = run("predict", file, tmp_path / "table.parquet", *words)

    assert result.exit_code == 0, result.output
    got = READERS[name](output)
    assert got.columns == ["id", "day", "age", "label", "probability_<=50K", "probability_>50K"]
    assert got["id"].to_list() == list(range(16_000))
    assert got["age"].to_list() == many["age"].to_list()
    assert got["label"].to_list() == Predictor(file)(many)["label"].tolist()


def test_all_columns_are_kept_as_they_are_in_the_file(tmp_path: Path, file: Path) -> None:
    text = ROWS.with_columns(id=pl.Series([f"00{row}" for row in range(8)])).write_csv()
    (tmp_path / "table.csv").write_text(text)
    result = run("predict", file, tmp_path / "table.csv", "--keep-all", "--format", "tsv")
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert lines[0][: ROWS.width] == ROWS.columns
    assert [line[lines[0].index("id")] for line in lines[1:]] == [f"00{row}" for row in range(8)]
    assert len(lines) == 9


def test_rows_go_to_the_terminal_as_json_lines(tmp_path: Path, file: Path) -> None:
    ROWS.write_csv(tmp_path / "table.csv")
    result = run("predict", file, tmp_path / "table.csv", "--format", "jsonl", "--keep", "day")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["day"] for row in rows] == ["b,c"] * 8
    assert list(rows[0]) == ["day", "label", "probability_<=50K", "probability_>50K"]


def test_what_cannot_be_kept_is_said(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "table.parquet"
    ROWS.with_columns(label=pl.lit("x"), tags=[["a"]] * 8).write_parquet(path)
    for words, code, message in (
        (["--keep", "label"], 2, "'label' is also an output of the model"),
        (["--keep", "tags"], 2, "cannot store column 'tags' of type"),
    ):
        result = run("predict", file, path, *words)
        assert result.exit_code == code
        assert message in " ".join(result.stderr.replace("│", " ").split())
    assert isinstance(run("predict", file, path, "--keep", "ids").exception, DataError)


def test_an_output_that_is_in_the_way_is_refused(tmp_path: Path, file: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    ROWS.write_csv(folder / "a.csv")
    for output, message in (
        (file, "the output is also an input"),
        (folder / "out.csv", f"lies in the table {folder}, and would be read with it"),
        (tmp_path, "this is a folder. Name a file in it"),
        (tmp_path / "none" / "out.csv", "does not exist. Create it first"),
    ):
        result = run("predict", file, folder, "--format", "csv", "-o", str(output))
        assert result.exit_code == 2
        shown = "".join(result.stderr.replace("│", "").split())  # long paths are wrapped
        assert message.replace(" ", "") in shown


def test_an_unreadable_value_is_named_by_its_row_in_the_file(tmp_path: Path, file: Path) -> None:
    rows = pl.concat([ROWS] * 1_000)
    wrong = pl.when(pl.int_range(pl.len()) == 7_000).then(pl.lit("12 miles"))
    path = tmp_path / "table.parquet"
    rows.with_columns(commute=wrong.otherwise("commute")).write_parquet(path)

    result = run("predict", file, path, "-o", tmp_path / "out.csv")

    assert isinstance(result.exception, DataError)
    message = f"{path}: column 'commute', row 7001: '12 miles' is not a number with a unit"
    assert message in str(result.exception)
    assert [file.name for file in tmp_path.iterdir()] == ["table.parquet"]
    again = run("predict", file, path, "-o", tmp_path / "out.csv", "--missing-unreadable")
    assert again.exit_code == 0, again.output


def test_values_that_no_training_row_had_are_listed_at_the_end(tmp_path: Path, file: Path) -> None:
    rows = [*TABLE.to_dicts()] * 1_000
    rows[4_000] = rows[4_000] | {"workclass": "Paris [x]", "age": 99.0}
    rows[6_000] = rows[6_000] | {"workclass": "Rome"}
    pl.DataFrame(rows, schema=TABLE.schema).write_parquet(tmp_path / "table.parquet")

    result = run("predict", file, tmp_path / "table.parquet", "-o", tmp_path / "out.csv")

    lines = [" ".join(line.split()) for line in result.stderr.splitlines()]
    assert lines[1] == "Unusual values"
    assert lines[3:] == [
        "workclass not seen in training 2 4,001 Paris [x]",
        "age above the training range 1 4,001 99.0",
    ]
    strict = run("predict", file, "--row", json.dumps(TABLE.row(0, named=True) | {"member": "?"}))
    assert isinstance(strict.exception, DataError)


@pytest.mark.parametrize("words", [["-o", "out.csv"], ["-o", "out", "--jobs", "1"]])
def test_unreadable_values_that_become_missing_are_listed_at_the_end(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    many = [*TABLE.to_dicts()] * 1_000
    many[4_000:6_000] = [row | {"member": "Y"} for row in many[4_000:6_000]]
    many[7_000] = many[7_000] | {"member": "Y", "joined": "2023-02-29"}
    pl.DataFrame(many, schema=TABLE.schema).write_parquet("table.parquet")

    result = run("predict", file, "table.parquet", "--missing-unreadable", *words)

    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[1:] == [
        "member: 2,001 rows cannot be read, treated as missing; such as 'Y'",
        "joined: 1 row cannot be read, treated as missing; such as '2023-02-29'",
    ]
