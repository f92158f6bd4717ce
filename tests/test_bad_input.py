"""A wrong config or table: one clear message, the right exit code, and nothing written."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: pay, kind: classes, classes: [low, high]}
  split: {type: random, validation: 0.2, test: 0.2}
  columns:
    - {type: numerical, name: age}
    - {type: categorical, name: city}
"""
ROWS = [
    f"{20 + row},{'Köln' if row % 3 else 'Paris'},{'low' if row % 2 else 'high'}"
    for row in range(20)
]
TABLE = "\n".join(["age,city,pay", *ROWS]) + "\n"


def prepare(folder: Path, config: str, table: bytes) -> "subprocess.CompletedProcess[str]":
    (folder / "config.yaml").write_text(config)
    (folder / "table.csv").write_bytes(table)
    command = [sys.executable, "-m", "onward", "prepare", "config.yaml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def refused(folder: Path, config: str, table: bytes, code: int, message: str) -> None:
    done = prepare(folder, config, table)
    assert message in done.stderr
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    left = [path.name for path in folder.rglob("*") if not path.name.startswith(".")]
    assert set(left) <= {"config.yaml", "table.csv", "artifacts", "config"}


def test_the_table_they_are_made_from_is_good(tmp_path: Path) -> None:
    done = prepare(tmp_path, CONFIG, TABLE.encode())
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "artifacts/config/prepare/manifest.json").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("prepare:", "prepar:", "no section 'prepare'. Did you mean 'prepar'"),
        ("prepare:", "prepare: ]", "this is no YAML"),
        (
            "type: csv",
            "type: cvs",
            "prepare.source.type: there is no type 'cvs'. Did you mean 'csv'?",
        ),
        ("path: table.csv", "path: tabel.csv", "tabel.csv: there is no such file"),
        (
            "path: table.csv",
            "paht: table.csv",
            "prepare.source.csv.paht: there is no setting 'paht'. Did you mean 'path'?",
        ),
        (
            "type: numerical",
            "type: numeric",
            "prepare.columns.0.type: there is no type 'numeric'. Did you mean",
        ),
        (
            "name: age",
            "name: 3",
            "prepare.columns.0.numerical.name: Input should be a valid string",
        ),
        (
            "prepare:",
            "prepare:\n  seed: -1",
            "prepare.seed: Input should be greater than or equal to 0",
        ),
        ("prepare:", "plugins: 5\nprepare:", "plugins: this is a list of modules, got 5"),
        ("prepare:", "prepare:\n  source: {}", "this is no YAML in line"),
        ("name: city", "name: age", "columns: 'age' is there twice"),
        ("name: city", "name: pay", "columns: 'pay' is the target"),
        ("validation: 0.2", "validation: 0.9", "must be below 1"),
        ("validation: 0.2", "validation: -1", "greater than 0, got -1"),
        ("classes: [low, high]", "classes: [low]", "two or more values"),
        (", classes: [low, high]", "", "two or more values"),
        ("kind: classes", "kind: class", "Input should be 'classes' or 'number'"),
        (
            "type: random",
            "type: column, name: part",
            "prepare.split.column.test: there is no setting 'test'",
        ),
    ],
)
def test_wrong_configs(tmp_path: Path, old: str, new: str, message: str) -> None:
    config = CONFIG.replace(old, new, 1)
    assert config != CONFIG
    code = 65 if "tabel" in new else 78
    refused(tmp_path, config, TABLE.encode(), code, message)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"", "empty"),
        (b"age,city,pay\n", "a header, but no row"),
        (TABLE.replace("age,city", "Age,city").encode(), "'age'"),
        (TABLE.replace("age,city,pay", "age,age,pay").encode(), "'age'"),
        (TABLE.replace("city,pay", "city,wage").encode(), "'pay'"),
        (TABLE.replace("\n22,", "\n22,22,").encode(), "row 3"),
        (TABLE.replace("\n22,", "\nold,").encode(), "'old'"),
        (TABLE.replace("Köln", '"Köln').encode(), "quote"),
        (TABLE.encode("latin-1"), "Latin-1"),
        (TABLE.encode("utf-16"), "UTF-16"),
        (TABLE.replace("high", "low").encode(), "all 20 rows have the value 'low'"),
        (TABLE.replace("low", "lwo", 1).encode(), "'lwo' in row 2"),
        (
            TABLE.replace(",low", ",", 1).encode(),
            "no value, and it is the target; the first is in row 2",
        ),
        (TABLE.replace("Köln", "").replace("Paris", "").encode(), "column 'city'"),
        ("\n".join(["age,city,pay", *(f"7{row[2:]}" for row in ROWS)]).encode(), "column 'age'"),
        (TABLE.replace("Köln", "K\0ln").encode(), "NUL"),
        (b"\n".join(TABLE.encode().splitlines()[:3]) + b"\n", "none of the 2 rows"),
        (b"PK\x03\x04 no table", "table.csv"),
    ],
)
def test_wrong_tables(tmp_path: Path, table: bytes, message: str) -> None:
    refused(tmp_path, CONFIG, table, 65, message)


def test_a_target_that_is_no_number_has_a_remedy_of_its_own(tmp_path: Path) -> None:
    config = CONFIG.replace("kind: classes, classes: [low, high]", "kind: number")
    refused(tmp_path, config, TABLE.encode(), 65, "Correct the file, or remove these rows")
