"""`onward init` makes a project that runs."""

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import modify_yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from typer.testing import CliRunner

from onward.__main__ import app
from onward.artifacts.prepared import Prepared
from onward.cli._plots import plots
from onward.cli._project import Project
from onward.errors import ConfigError, DataError
from onward.network.models.mlp import Mlp
from onward.settings.config import section
from onward.settings.yaml import one_line, setting
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


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x85"), min_size=1)
numbers = st.integers(-9, 9) | st.floats(-1e9, 1e9).map(lambda number: round(number, 6))
values = names | numbers | st.lists(names, min_size=1)


@given(anything)
def test_yaml_reads_what_was_written(value: Any) -> None:
    assert YAML(typ="safe").load(f"value: {one_line(value)}  # why\n") == {"value": value}


@given(names | values)
@example(["No", "on", "y", "1:30", "010", "1e-3", "=", "<<", "~", "2024-01-01", "1_0", 1e-05])
def test_values_are_the_same_in_yaml_1_1(value: Any) -> None:
    assert yaml.safe_load(f"value: {one_line(value)}") == {"value": value}


@settings(max_examples=40)  # of DVC's writer, which is slow
@given(st.dictionaries(names, st.dictionaries(names, values, min_size=1), min_size=1))
@example({"No": {"a": ["No", "x" * 90]}, "x " * 60: {"yes": "x " * 60}})
def test_dvc_rewrites_what_was_written_without_a_change(
    tmp_path_factory: pytest.TempPathFactory, sections: dict[str, dict[str, Any]]
) -> None:
    lines = [setting(name, section, ["why"]) for name, section in sections.items()]
    text = "\n".join(line for part in lines for line in part) + "\n"
    path = tmp_path_factory.mktemp("c") / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with modify_yaml(path):
        pass
    assert path.read_text(encoding="utf-8") == text
    assert YAML(typ="safe").load(text) == sections


def test_dvc_changes_one_line_of_a_config(folder: Path, table: Path) -> None:
    init(table, "--target", "yes")
    path = Path("configs/my_table_v2.yaml")
    before = path.read_text().splitlines()
    with modify_yaml(path):
        pass
    assert path.read_text().splitlines() == before
    assert max(map(len, before)) < 80 + len(NAMES[6])

    for change in (
        "train.learner.learning_rate=3e-3",
        "train.network.model=mlp",
        "prepare.columns.city.type=categorical",
        "prepare.split.validation=0.2",
    ):
        apply_overrides(path, [change])
    after = path.read_text().splitlines()
    assert len(after) == len(before)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [line.split("#")[0].split() for line in changed] == [
        ["split:", "{type:", "stratified,", "validation:", "0.2,", "test:", "0.15}"],
        ["model:", "mlp"],
        ["learning_rate:", "0.003"],
    ]
    assert section(path, "train", train.Settings).network.model == Mlp.Config()


@pytest.mark.parametrize("split", [(), ("--split", "part")])
def test_prepare_reads_what_init_wrote(folder: Path, table: Path, split: tuple[str, ...]) -> None:
    output = init(table, "--target", "yes", *split)
    config = Path("configs/my_table_v2.yaml")
    prepare.run(section(config, "prepare", prepare.Settings), Path("artifacts"))

    schema = Prepared(Path("artifacts/prepare")).schema()
    found = {field.name: field.type for field in schema.columns}
    wanted = {"dose": "numerical", "city": "categorical", "day": "datetime", "open": "boolean"}
    assert found == dict.fromkeys(NAMES, "numerical") | wanted | (
        {} if split else {"part": "categorical"}
    )
    assert schema.target.classes == ("Off", "on")
    assert section(config, "train", train.Settings) == train.Settings(folds=5)
    said = " ".join(config.read_text().replace("#", "").split())
    assert ("if the split keeps groups or times apart, remove this" in said) == bool(split)
    assert "onward check configs/my_table_v2.yaml" in output
    assert "'id' is left out" not in config.read_text()
    assert "# id is left out: a different whole number in each row" in config.read_text()
    assert '# "value" is left out' not in config.read_text()
    assert "# value is left out: reserved name" in config.read_text()


@pytest.mark.parametrize(("rows", "folds"), [(1_499, 5), (1_500, 1)])
def test_few_rows_are_learned_by_several_networks(folder: Path, rows: int, folds: int) -> None:
    pl.DataFrame({"x": [row % 97 for row in range(rows)], "y": range(rows)}).write_csv("t.csv")
    init("t.csv", "--target", "y")
    assert section(Path("configs/t.yaml"), "train", train.Settings).num_folds == folds


def test_how_a_table_is_written_is_found_said_and_obeyed(folder: Path, tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    lines = [f"{row},5;{'Köln' if row % 3 else 'Ulm'};1.{row:03},{row % 2}" for row in range(ROWS)]
    for part in range(2):
        text = "\n".join(["dose;city;pay", *lines[part::2]])
        (tables / f"{part}.csv").write_bytes(text.encode("latin-1"))

    init(tables, "--target", "city")
    config = Path("configs/tables.yaml")
    prepare.run(section(config, "prepare", prepare.Settings), Path("artifacts"))

    text = config.read_text()
    assert "  # decimal, thousands: '0,5' is 0.5 (in 0.csv)\n" in text
    assert "# encoding: line 3 is not UTF-8; as windows-1252 the text has 'Köln'" in text
    columns = pl.read_parquet("artifacts/prepare/*.parquet").select("dose", "pay")
    assert columns.sort("dose")[3].row(0) == (3.5, 1003.1)


def test_dvc_has_the_table_also_when_its_source_is_gone(folder: Path, table: Path) -> None:
    init(table, "--target", "yes")
    content = table.read_bytes()
    table.unlink()  # as where a colleague has a clone
    repro = [sys.executable, "-m", "dvc", "repro", "--quiet", "data.dvc"]
    subprocess.run(repro, check=True, cwd=folder)
    assert (folder / "data" / table.name).read_bytes() == content
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


@pytest.mark.parametrize(
    "name", ["data.dvc", "configs/my_table_v2.yaml", "data/my table.v2.csv.gz"]
)
def test_nothing_is_written_over(folder: Path, table: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")
    with pytest.raises(ConfigError, match=f"{name} already exist; no file is overwritten"):
        init(table, "--target", "yes")
    assert files(folder) == [name]
    assert (folder / name).read_text() == "mine"


def test_a_folder_with_git_and_dvc_keeps_its_own_files(folder: Path, table: Path) -> None:
    (folder / ".dvc").mkdir()
    (folder / ".gitignore").write_text("mine")
    init(table, "--target", "yes")
    made = ["configs/my_table_v2.yaml", "configs/schema.json", "data.dvc", "dvc.yaml"]
    assert files(folder) == [".gitignore", *sorted([*made, "data/my table.v2.csv.gz"])]
    assert (folder / ".gitignore").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--target", "Yess"),
            "--target 'Yess' is not a column. Did you mean 'yes'",
        ),
        (("--target", "yes", "--split", "parts"), "--split 'parts' is not a column"),
    ],
)
def test_unknown_columns_are_refused(
    folder: Path, table: Path, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        init(table, *words)
    assert files(folder) == []


def test_an_address_is_answered_with_what_to_do(folder: Path) -> None:
    with pytest.raises(ConfigError, match="Download it and run `onward init FILE`"):
        init("https://example.com/t.csv", "--target", "y")
    assert files(folder) == []


def test_a_second_table_joins_the_pipeline(folder: Path, table: Path) -> None:
    init(table, "--target", "yes")
    rows = "".join(f"{row % 7 / 2},{row % 5 / 3}\n" for row in range(90))
    (folder / "second.csv").write_text(f"x,y\n{rows}")
    assert "dvc repro second.dvc" in init("second.csv", "--target", "y")

    listed = subprocess.run(
        [sys.executable, "-m", "dvc", "stage", "list", "--name-only"],
        check=True,
        cwd=folder,
        capture_output=True,
        text=True,
    ).stdout
    assert {"prepare@my_table_v2", "report@second"} <= set(listed.split())
    pipeline = YAML(typ="safe").load(folder / "dvc.yaml")
    titles = [title for plot in pipeline["plots"] for title in plot]
    assert len(titles) == len(set(titles))
    assert "second loss" in titles
    assert "second.csv" in (folder / "second.dvc").read_text()


def test_a_pipeline_of_others_stays(folder: Path, table: Path) -> None:
    (folder / "dvc.yaml").write_text("stages: {}\n")
    with pytest.raises(ConfigError, match=r"`vars:` has no line `  - configs: \[\.\.\.\]`"):
        init(table, "--target", "yes")
    assert files(folder) == ["dvc.yaml"]


def test_a_table_of_ids_is_refused(folder: Path, tmp_path: Path) -> None:
    rows = "".join(f"k{row},{row % 2}\n" for row in range(ROWS))
    (tmp_path / "ids.csv").write_text(f"key,y\n{rows}")
    with pytest.raises(DataError, match=r"no usable column to predict 'y' from\. 'key': 200"):
        init(tmp_path / "ids.csv", "--target", "y")


def test_a_table_where_the_copy_goes_is_refused(folder: Path, table: Path) -> None:
    (folder / "data").mkdir()
    table = table.rename(folder / "data" / table.name)
    with pytest.raises(ConfigError, match="data/ is reserved for the copy by DVC"):
        init(table, "--target", "yes")


def test_rows_without_a_target_are_counted(folder: Path, tmp_path: Path) -> None:
    rows = "".join(f"{row % 7 / 2},{['a', 'b', ''][row % 3]}\n" for row in range(90))
    (tmp_path / "t.csv").write_text(f"x,y\n{rows}")
    assert "30 rows without 'y', which `prepare` refuses. Remove them, or set" in init(
        tmp_path / "t.csv", "--target", "y"
    )
    config = Path("configs/t.yaml").read_text()
    assert "# 30 rows without a target, which `prepare` refuses" in config


LOANS = ["paid", "paid ", "late", "Late", "late "]


def test_classes_that_differ_in_blanks_are_merged_and_in_case_are_said(
    folder: Path, tmp_path: Path
) -> None:
    pl.DataFrame({"x": [row % 7 / 2 for row in range(200)], "y": LOANS * 40}).write_csv(
        tmp_path / "t.csv"
    )
    said = " ".join(init(tmp_path / "t.csv", "--target", "y").split())
    assert "differ only in blanks are merged: 'late ' into 'late', 'paid ' into 'paid'." in said
    assert "'y' that may be the same are kept apart: 'Late' = 'late'. To merge them, use" in said

    config = Path("configs/t.yaml")
    prepare.run(section(config, "prepare", prepare.Settings), Path("artifacts"))
    assert Prepared(Path("artifacts/prepare")).schema().target.classes == ("Late", "late", "paid")

    proposed = [line[4:] for line in config.read_text().splitlines() if line.startswith("  # ")]
    target = YAML(typ="safe").load("\n".join(proposed[proposed.index("target:") :]))["target"]
    assert target["classes"] == ["late", "paid"]
    assert target["spellings"] == {"late": ["Late", "late "], "paid": ["paid "]}


def test_a_column_with_the_answer_leaks_though_classes_differ_in_blanks(
    folder: Path, tmp_path: Path
) -> None:
    written_off = [row % 5 * 7 if row % 5 > 1 else 0 for row in range(400)]
    columns = {"x": [row % 11 for row in range(400)], "written_off": written_off}
    pl.DataFrame({**columns, "y": (LOANS[:3] + LOANS[2::2]) * 80}).write_csv(tmp_path / "t.csv")
    init(tmp_path / "t.csv", "--target", "y")
    with pytest.raises(DataError, match="column 'written_off' alone explains"):
        prepare.run(section(Path("configs/t.yaml"), "prepare", prepare.Settings), Path("artifacts"))


def test_a_column_with_the_classes_without_blanks_repeats_the_target(
    folder: Path, tmp_path: Path
) -> None:
    classes = (LOANS[:3] + LOANS[2::2]) * 40
    columns = {"x": [row % 7 / 2 for row in range(200)], "y": classes}
    frame = pl.DataFrame({**columns, "again": [text.strip() for text in classes]})
    frame.write_csv(tmp_path / "t.csv")
    assert "another spelling of the target" in " ".join(
        init(tmp_path / "t.csv", "--target", "y").split()
    )


def test_the_logarithm_of_a_skewed_target_is_proposed_in_a_comment(
    folder: Path, tmp_path: Path
) -> None:
    columns = {"x": [row % 7 / 2 for row in range(90)], "y": [1.05**row for row in range(90)]}
    pl.DataFrame(columns).write_csv(tmp_path / "t.csv")
    init(tmp_path / "t.csv", "--target", "y")
    text = Path("configs/t.yaml").read_text()
    proposal = "    # head: {type: regression, logarithm: true}\n"
    assert f"{proposal}    head: auto\n" in text
    Path("c.yaml").write_text(
        text.replace("    head: auto\n", "").replace("    # head", "    head")
    )
    assert section(Path("c.yaml"), "train", train.Settings).network.head.logarithm


def test_names_with_blanks_at_their_ends_are_quoted(folder: Path, tmp_path: Path) -> None:
    columns = {"age ": [row % 7 / 2 for row in range(90)], " y": [row % 3 for row in range(90)]}
    pl.DataFrame(columns).write_csv(tmp_path / "t.csv")
    lines = init(tmp_path / "t.csv", "--target", " y").splitlines()
    assert [line.split("  ")[0] for line in lines[1:3]] == ["' y'", "'age '"]


def test_many_classes_are_said_in_the_terminal_and_in_the_config(
    folder: Path, tmp_path: Path
) -> None:
    columns = {"x": [row % 7 / 2 for row in range(90)], "y": [f"k{row % 15}" for row in range(90)]}
    pl.DataFrame(columns).write_csv(tmp_path / "t.csv")
    warning = "15 classes have 6.0 rows each on average"
    said = " ".join(init(tmp_path / "t.csv", "--target", "y").split())
    assert f"Target 'y': {warning}" in said
    assert f"  # {warning}" in Path("configs/t.yaml").read_text()


@pytest.mark.parametrize(
    ("splits", "options"),
    [([], ()), (["train"] * 7 + ["test"] * 3, ("--split", "part"))],
)
def test_categories_have_enough_training_rows_or_are_left_out(
    folder: Path, tmp_path: Path, splits: list[str], options: tuple[str, ...]
) -> None:
    columns = {
        "make": [f"m{row % 12}" for row in range(100)],
        "size": ["small" if row % 6 else "large" for row in range(100)],
        "x": [row % 7 / 2 for row in range(100)],
        "y": [row % 13 / 3 for row in range(100)],
    }
    table = columns | ({"part": splits * 10} if splits else {})
    pl.DataFrame(table).write_csv(tmp_path / "t.csv")
    said = " ".join(init(tmp_path / "t.csv", "--target", "y", *options).split())
    assert "make left out 12 distinct texts; each in fewer than 10 rows" in said
    config = Path("configs/t.yaml")
    prepare.run(section(config, "prepare", prepare.Settings), Path("artifacts"))
    assert [field.name for field in Prepared(Path("artifacts/prepare")).schema().columns] == [
        *("size", "x")
    ]


def test_a_long_text_takes_no_time() -> None:
    assert one_line("adelie_penguin_" * 20 + "?") == '"' + "adelie_penguin_" * 20 + '?"'


@pytest.mark.parametrize("split", ["day", "churned"])
def test_a_column_that_is_no_split_is_refused(folder: Path, tmp_path: Path, split: str) -> None:
    path = tmp_path / "days.csv"
    path.write_text("day,age,churned\n" + "monday,30,yes\ntuesday,40,no\n" * 20)
    with pytest.raises(DataError, match=f"--split '{split}' must be train, validation or test"):
        Project.of(path, "churned", split)
