"""A table beside its contract: what is found, set aside, dropped, and counted."""

import re
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from onward.__main__ import app
from onward.artifacts.prepared import Prepared
from onward.errors import ConfigError, DataError
from onward.quality.validation import near_duplicates, repetitions
from onward.settings.config import section
from onward.stages import prepare

CONFIG = """\
prepare:
  source: {type: csv, path: t.csv}
  target: {name: pay, kind: classes, classes: [low, high], spellings: {high: [HIGH]}}
  split: {type: random, validation: 0.2, test: 0.2}
  rows: ROWS
  checks: CHECKS
  columns:
    age: {type: numerical, minimum: 21}
    city: {type: categorical}
"""
ROWS = [
    f"{21 + row},{'Köln' if row % 3 else 'Paris'},{'low' if row % 2 else 'high'}"
    for row in range(24)
]


def write(folder: Path, *more: str, rows: str = "{}", checks: str = "[]") -> Path:
    (folder / "t.csv").write_text("\n".join(["age,city,pay", *ROWS, *more]) + "\n")
    config = folder / "c.yaml"
    config.write_text(CONFIG.replace("ROWS", rows).replace("CHECKS", checks))
    return config


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def validate(*words: str | Path) -> Result:
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
    return runner.invoke(app, ["validate", *map(str, words)])


def prepared(config: Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    prepare.run(section(config, "prepare", prepare.Settings), Path("artifacts"))
    done = Prepared(Path("artifacts/prepare"))
    rows = pl.concat([done.rows(split).collect() for split in ("train", "validation", "test")])
    return rows, done.profiles()["quality"]


def test_a_good_table_keeps_all_rules(folder: Path) -> None:
    result = validate(write(folder, "50,Bonn,HIGH"))
    assert (result.exit_code, result.output) == (0, "t.csv: no broken rule (25 rows, 6 rules)\n")


def test_broken_rules_are_listed_with_count_share_rows_and_values(folder: Path) -> None:
    config = write(folder, "7,Bonn,low", "old,Bonn,", "30,Bonn,hgih", "9,Bonn,low")
    result = validate(config)
    lines = [line.split() for line in result.output.splitlines()]
    assert result.exit_code == 65
    assert ["'age'", "1", "3.57%", "no", "valid"] in [line[:5] for line in lines]
    assert "'age' 2 7.14% a number below `minimum: 21` 25, 28 '7'; '9'" in map(" ".join, lines)
    assert ["'pay'", "1", "3.57%", "a", "missing"] in [line[:5] for line in lines]
    assert "'pay' 1 3.57% an undeclared class 27 'hgih'" in map(" ".join, lines)
    assert "4 of 6 rules broken, the first in row 26 (line 27)" in result.output


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{type: random,", "{type: group, name: onward/row,"),
        ("  rows: {}", "  weights: onward/weight"),
        ("name: pay,", "name: onward/kept,"),
    ],
)
def test_no_column_is_named_as_those_that_are_added(folder: Path, old: str, new: str) -> None:
    config = write(folder)
    config.write_text(config.read_text().replace(old, new))
    assert new in config.read_text()
    with pytest.raises(ConfigError, match="must not start with 'onward/'"):
        prepared(config)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("7,Bonn,low", "'age': 1 of 25 rows have a number below .*first is 7.0 in row 25 .line 26"),
        (
            "30,Bonn,hgih",
            "'pay': 1 of 25 .* the first is 'hgih' in row 25 .line 26.*Declared classes: ",
        ),
        ("30,Bonn,", "'pay': 1 of 25 rows have a missing target"),
        ("22,Köln,low", "'age', 'city': 2 of 25 rows have values that are not unique"),
    ],
)
def test_prepare_stops_where_validate_does(folder: Path, row: str, message: str) -> None:
    config = write(folder, row, checks="[{type: unique, columns: [age, city]}]")
    with pytest.raises(DataError, match=message):
        prepared(config)
    assert not Path("artifacts/prepare").exists()


def test_prepare_says_which_columns_have_missing_values(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = write(folder, *["-1,Bonn,low"] * 24)
    config.write_text(config.read_text().replace("minimum: 21", "minimum: 21, missing: ['-1']"))
    with caplog.at_level("INFO"):
        prepared(config)
    assert re.search(r"missing in training rows: age [4-6]\d\.\d%$", caplog.text, re.MULTILINE)


def test_a_table_without_the_target_is_one_to_predict(folder: Path) -> None:
    config = write(folder, checks="""[{type: expression, holds: "pay = 'low' OR age > 20"}]""")
    (folder / "new.csv").write_text("age,city\n30,Bonn\n7,Bonn\n")
    result = validate(config, "new.csv")
    assert result.exit_code == 65
    assert "1 of 3 rules broken" in result.output


def test_rows_are_set_aside_only_if_the_config_allows_it(folder: Path) -> None:
    result = validate(write(folder), "--reject", "bad.csv")
    assert isinstance(result.exception, ConfigError)
    assert "--reject needs 'set_aside'" in str(result.exception)


def test_rows_that_are_set_aside_are_as_in_the_file_and_counted(folder: Path) -> None:
    config = write(folder, "old,Bonn,low", "7,Bonn,", rows="{invalid: set_aside}")

    assert validate(config, "--reject", "bad.csv").exit_code == 0
    rows, quality = prepared(config)

    aside = pl.read_csv("artifacts/prepare/set_aside.csv", infer_schema=False)
    assert aside.rows() == pl.read_csv("bad.csv", infer_schema=False).rows()
    assert aside.drop("onward/why").rows() == [
        ("25", "old", "Bonn", "low"),
        ("26", "7", "Bonn", None),
    ]
    why = aside["onward/why"].to_list()
    assert why[0] == "age: no valid number (whole numbers from 2^53 on may be identifiers)"
    assert why[1].startswith("age: a number below `minimum: 21`; pay: a missing target")
    assert sorted(rows["age"]) == [21.0 + row for row in range(24)]
    assert [finding["count"] for finding in quality["findings"]] == [1, 1, 1]
    assert quality["rows"] == {"read": 26, "not set aside": 24}


def test_a_table_without_a_good_row_is_refused(folder: Path) -> None:
    config = write(folder, rows="{invalid: set_aside}")
    (folder / "t.csv").write_text("age,city,pay\n1,Bonn,low\n2,Bonn,high\n")
    with pytest.raises(DataError, match="all rows are invalid"):
        prepared(config)


def test_rows_are_dropped_as_the_config_says(folder: Path) -> None:
    more = ("50,Bonn,", "21,Paris,high", "22,Köln,high", "51,Bonn,HIGH", "51,Bonn,high")
    config = write(folder, *more, rows="{without_target: drop, duplicates: drop, conflicts: drop}")
    rows, quality = prepared(config)
    assert quality["duplicates"] == 2
    assert quality["conflicts"] == 1
    assert list(quality["rows"].values()) == [29, 28, 26, 24]
    assert sorted(rows["age"]) == [21.0, *(23.0 + row for row in range(22)), 51.0]
    assert rows.filter(age=51)["pay"].to_list() == ["high"]
    assert quality["changes"] == [{"column": "pay", "what": "another spelling", "count": 1}]


@pytest.mark.parametrize("invalid", ["refuse", "set_aside"])
def test_rows_keep_the_numbers_that_they_have_in_the_table(folder: Path, invalid: str) -> None:
    unread = ["old,Bonn,low"] if invalid == "set_aside" else []
    more = ("21,Paris,high", "50,Bonn,", *unread, "77,Bonn,low", "22,Köln,high", "78,Bonn,high")
    dropped = "without_target: drop, duplicates: drop, conflicts: drop"
    prepared(write(folder, *more, rows=f"{{invalid: {invalid}, {dropped}}}"))
    ages = pl.read_csv("t.csv", infer_schema=False)["age"].cast(pl.Float64, strict=False)
    done = Prepared(Path("artifacts/prepare"))
    for split in ("train", "validation", "test"):
        found = done.row_numbers(split)
        assert done.rows(split).collect()["age"].to_list() == ages[found - 1].to_list()
    every = [*chain(*(done.row_numbers(split) for split in ("train", "validation", "test")))]
    assert max(every) == len(ages)  # behind all that were dropped
    assert len({*every}) == len(every)


@pytest.mark.parametrize(
    ("rows", "row", "message"),
    [
        ("{duplicates: refuse}", "21,Paris,high", "1 duplicate of earlier rows"),
        (
            "{conflicts: refuse}",
            "21,Paris,low",
            "1 row with the same columns as an earlier row, but another class",
        ),
    ],
)
def test_repetitions_can_be_refused(folder: Path, rows: str, row: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        prepared(write(folder, row, rows=rows))


def test_repetitions_are_counted() -> None:
    rows = pl.LazyFrame(
        {"a": [1.0, 1.0, 2.0, None, None, 1.0], "b": ["x", "x", "x", "y", "y", "X "]}
    ).with_columns(y=pl.Series(["p", "p", "p", "p", "q", "p"]))
    found = repetitions(rows, ["a", "b"], "y")
    assert (found.duplicates, found.conflicts) == (1, 1)
    assert near_duplicates(rows, ["a", "b"], "y") == 2


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("{type: expression, holds: 'age > '}", "unable to parse"),
        ("{type: expression, holds: age FROM city}", "'FROM' is not allowed"),
        ("""{type: expression, holds: "city LIKE '(' AND city RLIKE '('"}""", "regex error"),
        ("{type: expression, holds: '1 = 1'}", "no column"),
        ("{type: expression, holds: age}", "cannot be computed: dtype Float64 not"),
        ("{type: expression, holds: city < 2}", "cannot be computed: cannot compare"),
        ("{type: expression, holds: city < 2.5}", "cannot be computed: cannot compare"),
        ("{type: expression, holds: city > .5}", "cannot be computed: cannot compare"),
        ("{type: expression, holds: COUNT(age)}", "there is no function COUNT"),
        ("{type: unique, columns: []}", "at least 1 item"),
    ],
)
def test_checks_that_cannot_be_made_are_refused(folder: Path, check: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        prepared(write(folder, checks=f"[{check}]"))


def test_as_in_sql_what_is_neither_true_nor_false_breaks_no_check(folder: Path) -> None:
    checks = "[{type: expression, holds: age < 30 OR city = 'Köln' OR city = 'Paris'}]"
    assert validate(write(folder, ",Bonn,low", checks=checks)).exit_code == 0
    assert validate(write(folder, "99,Bonn,low", checks=checks)).exit_code == 65


@pytest.mark.parametrize(
    ("holds", "is_kept"),
    [
        ("age < 99.5", True),
        ("age > 98.5 AND age < 1.e3", True),
        ("age BETWEEN 99.5 AND 1e3", False),
        ("city <> '2.5' AND city <> 'a 2.5 b'", True),
        ("city IN ('1.5', 'Bonn 2.5')", True),
        ("city || '1.5' = 'Bonn 2.51.5'", True),
        ("city = 'it''s 2.5'", False),
    ],
)
def test_fractions_are_numbers_and_texts_stay(folder: Path, holds: str, is_kept: bool) -> None:
    checks = f"""[{{type: expression, holds: "age < 99 OR {holds}"}}]"""
    result = validate(write(folder, "99,Bonn 2.5,low", checks=checks))
    assert result.exit_code == (0 if is_kept else 65), result.output


def test_a_check_may_read_a_column_that_nothing_is_predicted_from(folder: Path) -> None:
    checks = "[{type: unique, columns: [id]}]"
    config = write(folder, checks=checks)
    table = pl.read_csv("t.csv").with_row_index("id")
    table.write_csv("t.csv")
    assert validate(config).exit_code == 0
    table.with_columns(id=pl.lit(3)).write_csv("t.csv")
    assert "'id' 24 100.00%" in " ".join(validate(config).output.split())
