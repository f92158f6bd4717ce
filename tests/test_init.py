"""`onward init` makes a project that runs."""

import gzip
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from typer.testing import CliRunner

from onward.__main__ import app
from onward.artifacts.prepared import Prepared
from onward.cli._plots import plots
from onward.cli._project import Project
from onward.errors import ConfigError, DataError
from onward.network.heads.binary import Binary
from onward.settings.config import section
from onward.settings.yaml import one_line
from onward.stages import prepare, train

ROOT = Path(__file__).parents[1]
PIPELINE = ROOT / "src/onward/cli/_pipeline.yaml"
ROWS = 200
NAMES = (
    "no",
    "1e3",
    "a: b",
    "größe #2",
    "it's",
    '"',
    "x" * 200 + "!",
    "{b}",
    "- c",
    " d",
    "e\u2028f",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Columns of every type, under names that are hard to write."""
    columns: dict[str, list[Any]] = {
        name: [f"{row * (place + 2) % 17 / 8}" for row in range(ROWS)]
        for place, name in enumerate(NAMES)
    }
    columns |= {
        "id": list(range(ROWS)),
        "dose": [["1.5", "NA", "2.5", "7.25"][row % 4] for row in range(ROWS)],
        "city": [["Köln", "Paris", "?"][row // 3 % 3] for row in range(ROWS)],
        "day": [f"2024-02-{1 + row % 28:02}" for row in range(ROWS)],
        "open": [["Yes", "No"][row * 7 % 5 % 2] for row in range(ROWS)],
        "value": [row % 11 for row in range(ROWS)],
        "yes": [["on", "Off"][row * row % 19 % 2] for row in range(ROWS)],
        "part": [["train", "train", "test"][row % 3] for row in range(ROWS)],
    }
    path = tmp_path / "my table.v2.csv.gz"
    path.write_bytes(gzip.compress(pl.DataFrame(columns).write_csv().encode()))
    return path


def init(*words: str | Path) -> str:
    result = CliRunner().invoke(app, ["init", *map(str, words)])
    if result.exception:
        raise result.exception
    return result.output


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


anything = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.floats(-1e9, 1e9) | st.text(st.characters()),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
)


@given(anything)
def test_yaml_reads_what_was_written(value: Any) -> None:
    assert YAML(typ="safe").load(f"value: {one_line(value)}  # why\n") == {"value": value}


@pytest.mark.parametrize("split", [(), ("--split", "part")])
def test_prepare_reads_what_init_wrote(folder: Path, table: Path, split: tuple[str, ...]) -> None:
    output = init(table, "--target", "yes", *split)
    (folder / "data").mkdir()
    (folder / "data" / table.name).write_bytes(table.read_bytes())

    config = Path("configs/my_table_v2.yaml")
    prepare.run(section(config, "prepare", prepare.Settings), Path("artifacts"))

    schema = Prepared(Path("artifacts/prepare")).schema()
    found = {field.name: field.type for field in schema.columns}
    wanted = {"dose": "numerical", "city": "categorical", "day": "datetime", "open": "boolean"}
    assert found == dict.fromkeys(NAMES, "numerical") | wanted | (
        {} if split else {"part": "categorical"}
    )
    assert schema.target.classes == ("Off", "on")
    assert section(config, "train", train.Settings).network.head == Binary.Config()
    assert "Look at configs/my_table_v2.yaml, then run: dvc repro" in output
    assert "'id' is left out" not in config.read_text()
    assert "# id is left out: a different whole number in each row" in config.read_text()
    assert '# "value" is left out' not in config.read_text()
    assert "# value is left out: a name in the exported file" in config.read_text()


def test_how_a_table_is_written_is_found_said_and_obeyed(folder: Path, tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    lines = [f"{row},5;{'Köln' if row % 3 else 'Ulm'};1.{row:03},{row % 2}" for row in range(ROWS)]
    for part in range(2):
        text = "\n".join(["dose;city;pay", *lines[part::2]])
        (tables / f"{part}.csv").write_bytes(text.encode("latin-1"))

    init(tables, "--target", "city")
    shutil.copytree(tables, folder / "data/tables")
    config = Path("configs/tables.yaml")
    prepare.run(section(config, "prepare", prepare.Settings), Path("artifacts"))

    text = config.read_text()
    assert "  # decimal, thousands: '0,5' is 0.5 (in 0.csv)\n" in text
    assert "# encoding: line 3 is no UTF-8; as windows-1252 the text has 'Köln'" in text
    columns = pl.read_parquet("artifacts/prepare/*.parquet").select("dose", "pay")
    assert columns.sort("dose")[3].row(0) == (3.5, 1003.1)


def test_dvc_imports_the_table(folder: Path, table: Path) -> None:
    init(table, "--target", "yes")
    repro = [sys.executable, "-m", "dvc", "repro", "--quiet", "data.dvc"]
    subprocess.run(repro, check=True, cwd=folder)
    assert (folder / "data" / table.name).read_bytes() == table.read_bytes()
    stages = [sys.executable, "-m", "dvc", "stage", "list", "--name-only"]
    listed = subprocess.run(stages, check=True, cwd=folder, capture_output=True, text=True)
    assert "prepare@my_table_v2" in listed.stdout


def test_the_pipeline_is_ours_without_our_code(request: pytest.FixtureRequest) -> None:
    """An installed package is no dependency that DVC can see."""
    ours, heading, drawn = (ROOT / "dvc.yaml").read_text().partition("\nplots:\n")
    assert drawn == plots("kernels", "regression")
    lines = (ours + heading).splitlines(keepends=True)
    wanted = "".join(line for line in lines if "src/onward/" not in line and line[0] != "#")
    if request.config.getoption("--update-golden"):
        PIPELINE.write_text(wanted)
    assert wanted == PIPELINE.read_text(), "if dvc.yaml is right: pytest --update-golden"


@pytest.mark.parametrize("name", ["dvc.yaml", "data.dvc", "configs/my_table_v2.yaml"])
def test_nothing_is_written_over(folder: Path, table: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")
    with pytest.raises(ConfigError, match=f"there is {name}, and nothing is written over"):
        init(table, "--target", "yes")
    assert files(folder) == [name]
    assert (folder / name).read_text() == "mine"


def test_a_folder_with_git_and_dvc_keeps_its_own_files(folder: Path, table: Path) -> None:
    (folder / ".dvc").mkdir()
    (folder / ".gitignore").write_text("mine")
    init(table, "--target", "yes")
    made = ["configs/my_table_v2.yaml", "configs/schema.json", "data.dvc", "dvc.yaml"]
    assert files(folder) == [".gitignore", *made]
    assert (folder / ".gitignore").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--target", "yess"), "--target 'yess' is no column. There are 'no', '1e3'"),
        (("--target", "yes", "--split", "parts"), "--split 'parts' is no column"),
    ],
)
def test_unknown_columns_are_refused(
    folder: Path, table: Path, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        init(table, *words)
    assert files(folder) == []


def test_a_table_of_ids_is_refused(folder: Path, tmp_path: Path) -> None:
    rows = "".join(f"k{row},{row % 2}\n" for row in range(ROWS))
    (tmp_path / "ids.csv").write_text(f"key,y\n{rows}")
    with pytest.raises(DataError, match=r"no column to predict 'y' from\. 'key': 200"):
        init(tmp_path / "ids.csv", "--target", "y")


def test_a_table_where_the_copy_goes_is_refused(folder: Path, table: Path) -> None:
    (folder / "data").mkdir()
    table = table.rename(folder / "data" / table.name)
    with pytest.raises(ConfigError, match="data/ is where DVC will put a copy"):
        init(table, "--target", "yes")


def test_rows_without_a_target_are_counted(folder: Path, tmp_path: Path) -> None:
    rows = "".join(f"{row % 7 / 2},{['a', 'b', ''][row % 3]}\n" for row in range(90))
    (tmp_path / "t.csv").write_text(f"x,y\n{rows}")
    assert "30 rows have no 'y'. Remove them, or set" in init(tmp_path / "t.csv", "--target", "y")
    assert "# 30 rows have no target: `prepare` refuses them" in Path("configs/t.yaml").read_text()


def test_a_long_text_takes_no_time() -> None:
    assert one_line("adelie_penguin_" * 20 + "?") == '"' + "adelie_penguin_" * 20 + '?"'


@pytest.mark.parametrize("split", ["day", "churned"])
def test_a_column_that_is_no_split_is_refused(folder: Path, tmp_path: Path, split: str) -> None:
    path = tmp_path / "days.csv"
    path.write_text("day,age,churned\n" + "monday,30,yes\ntuesday,40,no\n" * 20)
    with pytest.raises(DataError, match=f"--split '{split}' says train, validation or test"):
        Project.of(path, "churned", split)
