"""What is written about a model is true, fair to the yardsticks, and the same each time."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from finished_stages import ROWS, finish
from sklearn import metrics as reference

from onward.curves import CLASSES, CURVES, OTHERS, PAIRS, POINTS, confusion, pr, roc
from onward.errors import ArtifactError
from onward.importance import importance
from onward.metrics import METRICS
from onward.predictor import Predictor
from onward.schema import Field, Schema, Target
from onward.stages.evaluate import Settings, run
from onward.yardsticks import MOST, boosted_trees, constant

TASKS: dict[str, tuple[str, ...]] = {
    "binary": ("no", "yes"),
    "multiclass": ("é", "<b>", "c", "d"),
    "regression": (),
}
every_task = pytest.mark.parametrize("task", TASKS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of each task, evaluated once: no test changes them."""
    made = {task: tmp_path_factory.mktemp(task) for task in TASKS}
    for task, folder in made.items():
        finish(folder, task, classes=TASKS[task])
        run(Settings(), folder)
    return made


def metrics_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "evaluate" / "comparison.json").read_text())
    return document


@every_task
def test_every_predictor_gets_every_metric_with_its_interval(
    folders: dict[str, Path], task: str
) -> None:
    document = metrics_of(folders[task])
    assert (document["task"], document["rows"]) == (task, ROWS["test"])
    for who in ("model", "constant", "boosted_trees"):
        assert list(document[who]) == list(METRICS[task])
        for metric in document[who].values():
            assert metric["lower"] <= metric["value"] <= metric["upper"]


def test_the_numbers_are_those_of_the_file(folders: dict[str, Path]) -> None:
    folder = folders["binary"]
    document = metrics_of(folder)
    test = pl.read_parquet(folder / "prepare" / "test.parquet")
    predictions = Predictor(folder / "export" / "model.onnx")(test)
    truth = (test["outcome"] == "yes").to_numpy()
    want = reference.roc_auc_score(truth, predictions["probabilities"][:, 1])
    assert document["model"]["auc"]["value"] == pytest.approx(want, rel=1e-5)
    want = reference.accuracy_score(test["outcome"].to_list(), predictions["label"].tolist())
    assert document["model"]["accuracy"]["value"] == pytest.approx(want, rel=1e-5)


@every_task
def test_trees_beat_the_constant_where_there_is_something_to_learn(
    folders: dict[str, Path], task: str
) -> None:
    document = metrics_of(folders[task])
    main = next(iter(METRICS[task]))
    assert document["boosted_trees"][main]["lower"] > document["constant"][main]["upper"]


@every_task
def test_each_curve_has_a_file_of_moderate_size(folders: dict[str, Path], task: str) -> None:
    for name in (*CURVES[task], "importance"):
        table = pl.read_csv(folders[task] / "evaluate" / "plots" / f"{name}.csv")
        assert 0 < len(table) <= PAIRS


def test_all_but_the_latency_is_the_same_when_run_again(
    folders: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(folders["binary"], folder)
    first = {path: path.read_bytes() for path in (folder / "evaluate").rglob("*.*")}
    with caplog.at_level(logging.INFO):
        run(Settings(), folder)
    changed = {path.name for path, content in first.items() if path.read_bytes() != content}
    assert changed <= {"latency.json", "manifest.json"}
    for word in ("60 held-out rows", "constant", "boosted trees", "AUC", "Brier score"):
        assert word in caplog.text


def test_a_changed_model_is_refused(tmp_path: Path) -> None:
    finish(tmp_path, "regression")
    path = tmp_path / "export" / "model.onnx"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ArtifactError, match="onward export"):
        run(Settings(), tmp_path)
    assert not (tmp_path / "evaluate").exists()


def test_a_curve_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    target, probability = random.integers(2, size=90), random.random(90).round(1)
    predictions = {"probabilities": np.stack([1 - probability, probability], 1)}
    table = roc((), target, predictions, random)
    fpr, tpr, _ = reference.roc_curve(target, probability, drop_intermediate=False)
    np.testing.assert_allclose(table.to_numpy(), np.stack([fpr, tpr], 1), atol=1e-6)
    precision, recall, _ = reference.precision_recall_curve(target, probability)
    want = np.stack([recall[:-1], precision[:-1]], 1)[::-1]
    np.testing.assert_allclose(pr((), target, predictions, random).to_numpy(), want, atol=1e-6)


def test_a_curve_of_many_rows_keeps_its_ends() -> None:
    random = np.random.default_rng(0)
    target, probability = random.integers(2, size=9_000), random.random(9_000)
    table = roc((), target, {"probabilities": np.stack([probability, probability], 1)}, random)
    assert len(table) == POINTS
    assert table.rows()[0] == (0, 0)
    assert table.rows()[-1] == (1, 1)


def test_rare_classes_share_a_line_of_the_confusion() -> None:
    random = np.random.default_rng(0)
    classes = [f"class {code}" for code in range(60)]
    target, label = random.integers(60, size=(2, 3_000))
    table = confusion(classes, target, {"label": label}, random)
    assert table["actual"].n_unique() == CLASSES + 1
    assert table["rows"].sum() == 3_000
    assert OTHERS in table["actual"]


def test_a_column_that_the_model_ignores_has_no_importance() -> None:
    random = np.random.default_rng(0)
    rows = pl.DataFrame({"noise": random.random(300), "signal": random.random(300)})
    target = (rows["signal"] > 0.5).to_numpy().astype(np.int64)
    accuracy = METRICS["binary"]["accuracy"]
    table = importance(
        lambda some: {"label": (some["signal"] > 0.5).to_numpy() * 1}, accuracy, rows, target, 0
    )
    assert table["column"].to_list() == ["signal", "noise"]
    assert table["drop"][0] == pytest.approx(0.5, abs=0.1)
    assert table["drop"][1] == 0


def hostile(rows: int) -> pl.DataFrame:
    """What raw rows may hold: infinities, nothing at all, more categories than trees take."""
    random = np.random.default_rng(rows)
    number = random.normal(size=rows)
    number[:3] = [np.inf, -np.inf, np.nan]
    return pl.DataFrame(
        {
            "number": number,
            "nothing": pl.Series([None] * rows, dtype=pl.String),
            "many": [f"{place}" for place in random.integers(2 * MOST, size=rows)],
            "when": ["2020-01-02T03:04:05.123+02:00", "2021-02-03", "soon", None] * (rows // 4),
            "y": (number > 0).astype(str),
        }
    )


def test_trees_take_whatever_is_in_the_rows() -> None:
    types = {"number": "numerical", "nothing": "categorical", "many": "text", "when": "datetime"}
    fields = (
        Field(name, type_, "number" if name == "number" else "text")
        for name, type_ in types.items()
    )
    schema = Schema((*fields,), Target("y", "classes", ("absent", "False", "True")))
    train, test = hostile(800), hostile(400)
    predictions = boosted_trees(schema, train, test, 0.9, seed=0)(test)
    assert predictions["probabilities"].shape == (400, 3)
    assert (predictions["probabilities"][:, 0] == 0).all()
    assert (predictions["label"] == 1 + (test["y"] == "True").to_numpy()).mean() > 0.95


def test_intervals_of_the_yardsticks_cover_as_asked() -> None:
    schema = Schema((Field("x", "numerical", "number"),), Target("y", "number"))
    random = np.random.default_rng(0)
    x = random.normal(size=(3, 2_000))
    tables = [pl.DataFrame({"x": row, "y": row + random.normal(size=2_000)}) for row in x]
    known = schema, tables[0], tables[1], 0.8
    for predict in (constant(*known), boosted_trees(*known, seed=0)):
        predictions = predict(tables[2])
        covered = METRICS["regression"]["coverage"](tables[2]["y"].to_numpy(), predictions)
        assert covered == pytest.approx(0.8, abs=0.04)


def test_trees_read_other_dates_and_do_without_a_column_that_is_empty() -> None:
    days = [f"{1 + row % 12:02}/{1 + row % 28:02}/2024" for row in range(2_000)]
    rows = pl.DataFrame(
        {"day": days, "empty": [None] * 2_000, "outcome": [float(day[:2]) for day in days]},
        schema_overrides={"empty": pl.Float64},
    )
    fields = (Field("day", "datetime", "text"), Field("empty", "numerical", "number"))
    schema = Schema(fields, Target("outcome", "number"))
    predictions = boosted_trees(schema, rows, rows, 0.9, seed=0)(rows)
    np.testing.assert_allclose(predictions["value"], rows["outcome"], atol=0.1)
