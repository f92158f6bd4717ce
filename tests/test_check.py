"""`onward check` finds what would stop a full run, and says it as that would."""

import os
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from bad_inputs import CONFIG, TABLE, WRONG_CONFIGS, WRONG_TABLES
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from onward.__main__ import app
from onward.artifacts.prepared import Prepared
from onward.blocks import NUMERICAL
from onward.cli._sample import choose_rows, sample
from onward.errors import OnwardError
from onward.settings.config import section
from onward.stages import ORDER, prepare
from onward.table.splits import SPLITS

ROOT = Path(__file__).parents[1]
LATER = """\
train:
  network: {embedder: {type: identity}, model: {type: tabm, k: 2, width: 4, depth: 1}}
export: {}
evaluate: {}
report: {}
"""
LIMIT = 30  # seconds that a check may take, on two cores that do nothing else


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(config: str, table: bytes = TABLE.encode()) -> tuple[int, str]:
    """The exit code, and what is said."""
    Path("config.yaml").write_text(config)
    Path("table.csv").write_bytes(table)
    result = CliRunner().invoke(app, ["check", "config.yaml"])
    assert sorted(path.name for path in Path().iterdir()) == ["config.yaml", "table.csv"]
    if isinstance(result.exception, OnwardError):  # which `main` prints
        return result.exception.exit_code, str(result.exception)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, result.output


def test_a_good_config_passes_and_nothing_is_left(folder: Path) -> None:
    code, said = check(CONFIG + LATER)
    lines = said.splitlines()
    assert code == 0, said
    assert [line.split()[0] for line in lines[:-1]] == list(ORDER)
    assert lines[-1] == "config.yaml: no errors found"


def test_the_checkpoints_of_real_runs_stay(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path_factory.mktemp("shared")
    names = ("config/step-000000000001.pt", "config.tune/journal.jsonl")
    for name in names:
        (shared / name).parent.mkdir()
        (shared / name).write_text("{}\n")
    monkeypatch.setenv("ONWARD_CHECKPOINTS", str(shared))

    rows = (f"{20 + row},Paris,{'high' if row * 7 % 9 < 4 else 'low'}\n" for row in range(160))
    table = "age,city,pay\n" + "".join(rows)  # a search needs 20 validation rows
    code, said = check(CONFIG + LATER + "tune: {trials: 2}\n", table.encode())

    assert code == 0, said
    assert "tune" in said
    assert {path for path in shared.rglob("*") if path.is_file()} == {
        shared / name for name in names
    }
    assert all((shared / name).read_text() == "{}\n" for name in names)
    assert os.environ["ONWARD_CHECKPOINTS"] == str(shared)


@pytest.mark.parametrize(("old", "new", "message"), WRONG_CONFIGS)
def test_wrong_configs_are_found(folder: Path, old: str, new: str, message: str) -> None:
    code, said = check(CONFIG.replace(old, new, 1) + LATER)
    assert message in said
    assert code == (65 if "tabel" in new else 78)


@pytest.mark.parametrize(("table", "message"), WRONG_TABLES)
def test_wrong_tables_are_found(folder: Path, table: bytes, message: str) -> None:
    code, said = check(CONFIG + LATER, table)
    assert message in said
    assert code == 65


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("report: {}", "repotr: {}", 78, "there is no section 'repotr' in a config. Did you mean"),
        ("export: {}", "export: {k: 3}", 78, "export.k: 3 members cannot be kept"),
        (
            "network: {",
            "network: {head: {type: regression}, ",
            78,
            "regression does not predict the target 'pay'",
        ),
        (
            "evaluate: {}",
            "evaluate: {sensitive: [aeg]}",
            78,
            "evaluate.sensitive: 'aeg' is not an input of the model",
        ),
        (
            "train:",
            "train:\n  learner: {learning_rate: 1.0e+38, clip: 1.0e+38}",
            76,
            "loss is not finite",
        ),
    ],
)
def test_what_later_stages_refuse_is_found(
    folder: Path, old: str, new: str, code: int, message: str
) -> None:
    assert old in LATER
    found, said = check(CONFIG + LATER.replace(old, new))
    assert message in said
    assert found == code


def test_all_is_said_at_once_and_the_first_stage_gives_the_code(folder: Path) -> None:
    wrong = LATER.replace("export: {}", "export: {k: 0}").replace(
        "evaluate: {}", "evaluate: {s: 1}"
    )
    code, said = check(CONFIG + wrong, TABLE.replace("\n22,", "\nold,").encode())
    for message in ("'old'", "export.k: must be greater", "unknown setting 's'"):
        assert said.count(message) == 1
    assert said.endswith("config.yaml: a full run would exit with code 65\n")
    assert code == 65


def test_one_row_among_many_is_found(folder: Path) -> None:
    rows = [
        f"{row % 90}.5,{'Ulm' if row % 3 else 'Bonn'},{'low' if row % 2 else 'high'}"
        for row in range(30_000)
    ]
    rows[17_171] = "none,Ulm,low"
    code, said = check(CONFIG + LATER, "\n".join(["age,city,pay", *rows]).encode())
    assert "'none' in row 17172" in said
    assert code == 65


def test_a_column_that_differs_in_one_row_passes(folder: Path) -> None:
    """Few rows are not enough to learn a column from."""
    rows = [
        f"{int(row == 777)},{'Ulm' if row == 99 else 'Bonn'},{'low' if row % 2 else 'high'}"
        for row in range(1_000)
    ]
    split = CONFIG.replace("type: random", "type: stratified").replace("test: 0.2", "test: 0.01")
    code, said = check(split + LATER, "\n".join(["age,city,pay", *rows]).encode())
    assert code == 0, said


@given(st.lists(st.integers(0, 9) | st.just(99), min_size=1, max_size=300), st.integers(2, 50))
def test_a_sample_has_each_class(codes: list[int], count: int) -> None:
    targets = np.array(codes, np.int64)
    some = choose_rows(targets, count)
    assert set(targets[some]) == set(codes)
    assert min(count, len(codes)) <= len(some) <= count + len(set(codes))
    assert (np.diff(some) > 0).all()


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=300), st.integers(2, 50))
def test_a_sample_has_the_range_of_numbers(numbers: list[float], count: int) -> None:
    targets = np.array(numbers)
    some = targets[choose_rows(targets, count)]
    assert (some.min(), some.max()) == (targets.min(), targets.max())


def test_a_sample_has_equal_rows_in_texts_and_arrays(folder: Path) -> None:
    Path("config.yaml").write_text(CONFIG)
    Path("table.csv").write_text(
        "age,city,pay\n"
        + "".join(
            f"{row},{'Ulm' if row % 3 else 'Bonn'},{'low' if row % 7 else 'high'}\n"
            for row in range(1_000)
        )
    )
    prepare.run(section(Path("config.yaml"), "prepare", prepare.Settings), Path("whole"))
    sample(Path("whole/prepare"), Path("few"))

    whole, few = Prepared(Path("whole/prepare")), Prepared(Path("few"))
    assert few.preprocessing() == whole.preprocessing()
    for split in SPLITS:
        every = dict(
            zip(
                whole.rows(split).collect()["age"],
                whole.arrays(split).features[NUMERICAL],
                strict=True,
            )
        )
        ages, rows = few.rows(split).collect()["age"].to_list(), few.arrays(split)
        assert few.num_rows(split) == len(ages)
        np.testing.assert_array_equal(rows.features[NUMERICAL], [every[age] for age in ages])
        assert rows.targets.tolist() == [int(age % 7 > 0) == 0 for age in ages]


def test_the_config_of_the_package_passes_in_time(folder: Path) -> None:
    shutil.copytree(ROOT / "src/onward/datasets/kernels", "data")
    started = time.process_time()
    result = CliRunner().invoke(app, ["check", str(ROOT / "configs/kernels.yaml")])
    assert result.exit_code == 0, result.output
    assert time.process_time() - started < LIMIT


def test_folds_and_shares_are_made_with_few_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere")
    asked = LATER.replace("evaluate: {}", "evaluate: {cross_validation: 3, learning_curve: [0.5]}")
    code, said = check(CONFIG + asked)
    assert code == 0, said
    code, said = check(CONFIG + asked.replace("validation: 3", "validation: 900"))
    assert re.search(r"evaluate: fold \d+ of 900: .*Use fewer folds", said)
    assert code == 65


def test_a_project_of_init_passes(folder: Path) -> None:
    Path("raw").mkdir()
    Path("raw/pay.csv").write_text(TABLE.replace("\n", ",x\n").replace("pay,x", "pay,one") * 1)
    result = CliRunner().invoke(app, ["init", "raw/pay.csv", "--target", "pay"])
    assert result.exit_code == 0, result.output
    shutil.copytree("raw", "data")
    result = CliRunner().invoke(app, ["check", "configs/pay.yaml"])
    assert result.exit_code == 0, result.output
