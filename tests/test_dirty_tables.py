"""Real and made-up dirt: each file ends as its makers say it should, accepted or refused."""

import json
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from onward.artifacts.prepared import Prepared
from onward.cli._config import config
from onward.cli._project import Project
from onward.errors import DataError
from onward.settings.config import section
from onward.stages import prepare

TABLES = Path(__file__).parents[2] / "shared/data/dirty_tables"
PENGUINS = TABLES / "messy_penguins"

pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason="the tables are not here")


@pytest.fixture(scope="module")
def expected() -> Any:
    return json.loads((PENGUINS / "expected.json").read_text())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def start(number: str) -> Path:
    [path] = PENGUINS.glob(f"{number}_*")
    return path


def run(
    table: Path, target: str = "species", change: Mapping[str, Any] | None = None, *, drop: str = ""
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Prepare what `onward init` writes, with the changes of a person."""
    text = config(Project.of(table, target, None))
    document = YAML(typ="safe").load(text)
    document["prepare"]["source"]["path"] = str(table)
    document["prepare"].update(change or {})
    document["prepare"]["columns"].pop(drop, None)
    path = Path("config.yaml")
    path.write_text(json.dumps(document))
    prepare.run(section(path, "prepare", prepare.Settings), Path("artifacts"))
    done = Prepared(Path("artifacts/prepare"))
    parts = [done.rows(split).collect() for split in ("train", "validation", "test")]
    return pl.concat(parts), done.profiles()


def types(report: Mapping[str, Any]) -> dict[str, str]:
    return {column["name"]: column["type"] for column in report["columns"]}


@pytest.mark.parametrize("number", ["01", "02", "03"])
def test_other_ways_to_write_a_table_are_read(number: str, folder: Path, expected: Any) -> None:
    rows, report = run(start(number))
    assert len(rows) == expected[start(number).name]["rows"]
    numbers = {name for name, type_ in types(report).items() if type_ == "numerical"}
    assert len(numbers) == 5  # two of the bill, flipper, mass and year
    assert rows.select(numbers).to_series(0).dtype == pl.Float64


def test_a_padded_header_names_padded_columns(folder: Path, expected: Any) -> None:
    rows, _ = run(start("04"), " species ")
    assert len(rows) == expected[start("04").name]["rows"]


def test_ragged_rows_are_refused_by_line(folder: Path) -> None:
    with pytest.raises(DataError, match=r"05_ragged.*(line|row) \d+"):
        run(start("05"))


def test_spellings_of_a_class_are_one_class_once_the_config_says_so(
    folder: Path, expected: Any
) -> None:
    truth = expected[start("06").name]
    project = Project.of(start("06"), "species", None)
    merged = [text for texts in project.target.merged.values() for text in texts]
    assert len(project.target.target.classes) + len(merged) == truth["spellings"]
    marks = {mark for guess in project.columns for mark in guess.missing}
    assert marks | {""} == set(truth["missing_codes"])

    lines = config(project).splitlines()
    proposed = takewhile(lambda line: line.startswith("  # "), lines[lines.index("  # target:") :])
    target = YAML(typ="safe").load("\n".join(line[4:] for line in proposed))["target"]
    rows, _ = run(start("06"), change={"target": target})

    assert len(rows) == truth["rows"]
    assert sorted(rows["species"].unique()) == truth["true_classes"]


def test_units_are_refused_by_row_and_column_or_set_aside(folder: Path, expected: Any) -> None:
    truth = expected[start("07").name]
    with pytest.raises(DataError, match=r"'flipper_length_mm' has 64 of 344 .* '181mm' in row 1 "):
        run(start("07"))
    rows, report = run(start("07"), change={"rows": {"invalid": "set_aside"}})
    assert {name: types(report)[name] for name in truth["number_columns"]} == dict.fromkeys(
        truth["number_columns"], "numerical"
    )
    found = {f["columns"][0]: f["count"] for f in report["quality"]["findings"]}
    assert found["flipper_length_mm"] == truth["non_numeric_cells"]["flipper_length_mm"]
    unknown = 9  # of body_mass_g say so, which counts as missing
    assert found["body_mass_g"] + unknown == truth["non_numeric_cells"]["body_mass_g"]
    aside = pl.read_csv("artifacts/prepare/set_aside.csv", infer_schema=False)
    assert len(rows) + len(aside) == truth["rows"]


def test_duplicates_and_conflicts_are_counted_and_dropped(folder: Path, expected: Any) -> None:
    truth = expected[start("08").name]
    rows, report = run(start("08"))
    assert len(rows) == truth["rows"]
    assert report["quality"]["duplicates"] == truth["exact_duplicates"]
    assert report["quality"]["conflicts"] == truth["rows_with_conflicting_label"]
    rows, _ = run(start("08"), change={"rows": {"duplicates": "drop", "conflicts": "drop"}})
    assert len(rows) == truth["rows"] - 30 - 2 * 10


def test_useless_columns_are_left_out_once_names_differ(folder: Path, expected: Any) -> None:
    truth = expected[start("09").name]
    with pytest.raises(DataError, match="'body_mass_g'"):
        run(start("09"))
    head, _, body = start("09").read_text().partition("\n")
    renamed = folder / "renamed.csv"
    renamed.write_text(f"{head}_again\n{body}")
    rows, report = run(renamed)
    useless = {"body_mass_g_again"}.union(
        *(truth[kind] for kind in ("id_columns", "empty_columns", "constant_columns"))
    )
    assert len(rows) == truth["rows"]
    assert not useless & set(types(report))


def test_mixed_dates_are_left_out_or_refused_by_row(folder: Path, expected: Any) -> None:
    truth = expected[start("10").name]
    [guess] = [
        each
        for each in Project.of(start("10"), "Species", None).columns
        if each.name == truth["date_column"]
    ]
    assert guess.type == ""
    assert guess.reason.startswith("dates in several formats, such as 'Nov 11, 2007' in row 1 and")
    rows, _ = run(start("10"), "Species")
    assert len(rows) == truth["rows"]
    dates = {truth["date_column"]: {"type": "datetime"}}
    with pytest.raises(DataError, match=r"'Date Egg': 280 of .* 'Nov 11, 2007' in row 1 "):
        run(start("10"), "Species", {"columns": dates})


def test_texts_with_quotes_line_ends_and_emoji_are_read(folder: Path, expected: Any) -> None:
    rows, _ = run(start("11"), "Species")
    assert len(rows) == expected[start("11").name]["rows"]


def test_rows_without_a_target_are_refused_or_dropped(folder: Path, expected: Any) -> None:
    truth = expected[start("12").name]
    with pytest.raises(DataError, match=r"'species': 40 of 344 rows have .* target; .* in row 2 "):
        run(start("12"))
    rows, report = run(start("12"), change={"rows": {"without_target": "drop"}})
    assert len(rows) == truth["rows"] - truth["rows_without_target"]
    assert report["quality"]["rows"] == {"read": 344, "with a target": 304}


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("13", "'species': all 124 values are the same"),
        ("14", "a header, but no row"),
        ("15", "the file is empty"),
    ],
)
def test_tables_with_nothing_to_learn_are_refused(number: str, message: str, folder: Path) -> None:
    with pytest.raises(DataError, match=message):
        run(start(number))


def test_a_class_with_one_row_is_learned_or_refused_by_name(folder: Path, expected: Any) -> None:
    rare = expected[start("16").name]["class_with_one_row"]
    rows, report = run(start("16"))
    assert len(rows) == expected[start("16").name]["rows"]
    assert sum(report["target"]["classes"][rare].values()) == 1


def test_real_beers(folder: Path) -> None:
    with pytest.raises(DataError, match=r"beers_dirty.*'abv': 693 of .* first is '0\.09%' in row "):
        run(TABLES / "beers_dirty.csv", "abv")
    rows, _ = run(TABLES / "beers_clean.csv", "abv", {"rows": {"without_target": "drop"}})
    assert len(rows) == 2410 - 62


def test_real_cafe_sales(folder: Path) -> None:
    table = TABLES / "dirty_cafe_sales.csv"
    with pytest.raises(DataError, match=r"'Total Spent': 502 of 10000 rows have .* target"):
        run(table, "Total Spent")
    rows, report = run(table, "Total Spent", {"rows": {"without_target": "drop"}})
    assert len(rows) == 10_000 - 502
    assert types(report) == {
        "Item": "categorical",
        "Quantity": "categorical",  # only the numbers 1 to 5
        "Price Per Unit": "numerical",
        "Payment Method": "categorical",
        "Location": "categorical",
        "Transaction Date": "datetime",
    }
