"""A training that starts from an earlier model, by the command line."""

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from forked import Run, onward

from onward import Predictor
from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import sha256
from onward.evaluation.retraining import sections
from onward.preprocessing.columns.quantity import Quantity
from onward.quality.starting_point import StartingPoint
from onward.table.splits import Part

CONFIG = """\
prepare:
  source: {type: csv, path: first.csv}
  target: {name: pay, kind: number}
  split: {type: hash, name: key, validation: 0.2, test: 0.2}
  columns:
    age: {type: numerical}
    city: {type: categorical}
train:
  network: {model: {type: mlp, width: 8, depth: 1}, embedder: {type: piecewise_linear, bins: 4}}
  learner: {max_epochs: 3}
export: {}
"""
STILL = "{max_epochs: 1, learning_rate: 1.0e-12}"  # the weights that a training starts from
CITIES = ["Köln", "Paris", "Ulm", "Bonn"]


def table(rows: int, cities: int) -> pl.DataFrame:
    draw = np.random.default_rng(rows)
    size, age = draw.normal(size=rows), draw.normal(40, 10, rows).round(1)
    return pl.DataFrame(
        {
            "key": [f"k{row:04}" for row in range(rows)],
            "size": size.round(3),
            "age": age,
            "city": draw.choice(CITIES[:cities], rows),
            "pay": (age + 5 * size + draw.normal(size=rows)).round(3),
        }
    )


def config(folder: Path, name: str, start: str, *changes: tuple[str, str]) -> None:
    """The config of a model that starts from another one."""
    text = CONFIG.replace("first.csv", f"{name}.csv").replace("{max_epochs: 3}", STILL)
    text = text.replace("prepare:\n", f"prepare:\n  start_from: {start}\n")
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / f"{name}.yaml").write_text(text)


def run(folder: Path, name: str, *stages: str) -> str:
    messages = ""
    for stage in stages:
        done = onward(folder, stage, f"{name}.yaml")
        assert done.returncode == 0, done.stderr
        messages += done.stderr
    return messages


NEW_COLUMN = ("    age:", "    size: {type: numerical}\n    age:")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, rows, cities in (("first", 300, 2), ("second", 400, 3), ("third", 500, 4)):
        table(rows, cities).write_csv(folder / f"{name}.csv")
    (folder / "first.yaml").write_text(CONFIG)
    run(folder, "first", "prepare", "train", "export")
    return folder


def test_new_columns_and_categories_join_a_model_that_predicts_as_before(folder: Path) -> None:
    config(folder, "second", "artifacts/first", NEW_COLUMN)
    said = run(folder, "second", "prepare", "train")
    assert "prepare: starts from artifacts/first: 2 of 3 columns keep their preprocessing" in said
    assert "prepare: column 'size' is fitted on these rows: new" in said
    assert "prepare: new categories of column 'city': 1" in said

    config(folder, "third", "artifacts/second", NEW_COLUMN)
    run(folder, "third", "prepare", "train", "export")

    rows = table(200, 2).drop("pay", "key").to_dicts()
    models = [Predictor(folder / f"artifacts/{n}/export/model.onnx") for n in ("first", "third")]
    before, after = (model(rows)["value"] for model in models)
    np.testing.assert_allclose(after, before, rtol=1e-5)
    codes = [
        Prepared(folder / f"artifacts/{n}/prepare").column_states() for n in ("first", "third")
    ]
    old, new = (dict(states["city"]["codes"]) for states in codes)
    assert {city: new[city] for city in old} == old
    assert (new["Ulm"], new["Bonn"]) == (4, 5)

    cold = sections(folder / "artifacts/third", Part())
    assert cold["prepare"]["start_from"] is None
    assert cold["train"]["network"]["model"]["type"] == "mlp"


def test_the_rules_take_a_third_of_the_steps(folder: Path) -> None:
    config(folder, "second", "artifacts/first", (STILL, "{}"))
    run(folder, "second", "prepare", "train")
    settings = json.loads((folder / "artifacts/second/train/manifest.json").read_text())["settings"]
    learner = settings["learner"]
    assert learner["max_epochs"] == 8  # of 24
    assert learner["learning_rate"] == pytest.approx(2e-3 / 3)
    assert settings["network"]["model"]["width"] == 8


@pytest.mark.parametrize(
    ("change", "stage", "message"),
    [
        (("hash, name: key", "random"), "prepare", "the split 'random' assigns all rows afresh"),
        (("validation: 0.2", "validation: 0.3"), "prepare", "prepare.split is"),
        (("{name: pay", "{name: size"), "prepare", "prepare.target.name is 'size', that of the"),
        (("artifacts/first", "artifacts/second"), "prepare", "has the artifacts of this config"),
        (("artifacts/first", "nowhere"), "prepare", "nowhere has no folder 'prepare' of a model"),
        (("width: 8", "width: 9"), "train", "train.network.model.width: 9 here, 8 in the model of"),
        (("bins: 4", "bins: 5"), "train", "train.network.embedder.bins: 5 here, 4 in the model"),
    ],
)
def test_what_cannot_start_from_the_model_is_refused(
    folder: Path, change: tuple[str, str], stage: str, message: str
) -> None:
    config(folder, "second", "artifacts/first", change)
    if stage == "train":
        run(folder, "second", "prepare")
    done = onward(folder, stage, "second.yaml")
    assert done.returncode == 78
    assert message in done.stderr


def test_a_column_with_another_scale_counts_as_new(folder: Path) -> None:
    another = ("age: {type: numerical}", "age: {type: numerical, scaling: quantile, maximum: 99}")
    config(folder, "second", "artifacts/first", another)
    said = run(folder, "second", "prepare", "train")
    assert "column 'age' is fitted on these rows: scaling is 'quantile', was 'robust'" in said


NETWORK = CONFIG[CONFIG.index("  network:") : CONFIG.index("  learner:")]


@pytest.mark.slow
def test_the_network_of_the_model_is_the_default_of_a_dry_run_and_of_a_cold_start(
    folder: Path,
) -> None:
    config(folder, "second", "artifacts/first", (NETWORK, ""))
    done = onward(folder, "check", "second.yaml")
    assert done.returncode == 0, done.stderr

    run(folder, "second", "prepare", "train", "export")
    cold = sections(folder / "artifacts/second", Part())
    assert cold["prepare"]["start_from"] is None
    assert cold["train"]["network"]["model"]["type"] == "mlp"
    assert cold["train"]["learner"] == {"max_epochs": 1, "learning_rate": 1e-12}


@pytest.mark.parametrize(
    ("start", "change", "message"),
    [
        ("artifacts/second", "", "has the artifacts of this config"),
        (
            "artifacts/first",
            "evaluate: {cross_validation: 3}\n",
            "the model starts from artifacts/f",
        ),
        ("artifacts/first", "evaluate: {learning_curve: [0.5]}\n", "trained on rows of all folds"),
    ],
)
def test_a_check_finds_what_the_run_refuses(
    folder: Path, start: str, change: str, message: str
) -> None:
    config(folder, "second", start)
    path = folder / "second.yaml"
    path.write_text(path.read_text() + change)
    done = onward(folder, "check", "second.yaml")
    assert done.returncode == 78
    assert message in done.stderr


def test_units_may_be_added_and_keep_their_factors() -> None:
    known = {"kg": 1.0, "g": 0.001}
    assert Quantity.has_same_features("units", known, {**known, "t": 1000.0})
    assert not Quantity.has_same_features("units", known, {**known, "g": 0.01})


def test_missing_values_that_are_new_are_said_to_have_no_flag() -> None:
    states = {name: {"has_missing": name == "size"} for name in ("age", "size", "city")}
    start = StartingPoint(Path(), Path(), states, {}, (), None)
    [warning] = start.warnings({"age": 0.1, "size": 0.1, "city": 0.0, "other": 0.1})
    assert "The column 'age' has missing values, which the model to start from" in warning


@pytest.mark.slow
def test_the_report_compares_the_model_with_a_cold_start(folder: Path) -> None:
    config(folder, "second", "artifacts/first", NEW_COLUMN, (STILL, "{max_epochs: 2}"))
    stages = "prepare", "train", "export", "evaluate", "report"
    said = run(folder, "second", *stages)
    assert "steps; from a cold start" in said
    found = json.loads((folder / "artifacts/second/evaluate/comparison.json").read_text())
    cold = found["cold_start"]
    assert cold["steps"]["warm"] == cold["steps"]["cold"] > 0  # both have two epochs
    rmse = cold["metrics"]["rmse"]
    assert rmse["now"] == pytest.approx(found["model"]["rmse"]["value"], rel=1e-4)
    assert rmse["before"] != rmse["now"]
    page = (folder / "artifacts/second/report/report.html").read_text()
    assert "This model started from the weights of artifacts/first" in page
    assert "Training starts from the model in artifacts/first: 2 of 3 columns" in page


@pytest.mark.slow
def test_a_killed_training_ends_with_the_bits_of_one_that_nothing_stopped(
    folder: Path, tmp_path: Path
) -> None:
    long = "{batch_size: 4, max_epochs: 30, patience: 30}"
    config(folder, "second", "artifacts/first", NEW_COLUMN, (STILL, long))
    run(folder, "second", "prepare")
    whole, cut = (Path(shutil.copytree(folder, tmp_path / name)) for name in ("whole", "cut"))
    run(whole, "second", "train")

    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143)):
        training = Run(cut, "train", "second.yaml")
        training.wait_for("epoch 3/" if number == signal.SIGKILL else "epoch ")
        training.send_signal(number)
        assert training.returncode == code
    said = run(cut, "second", "train")

    assert "train: resumed at step" in said
    published = [
        [
            sha256(project / "artifacts/second/train" / name)
            for name in ("network.pt", "history.json", "metrics.json")
        ]
        for project in (whole, cut)
    ]
    assert published[0] == published[1]
