"""What is written about a model is true, fair to the baselines, and the same each time."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from finished_stages import ROWS, finish
from scipy import stats
from sklearn import metrics as reference
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from onward.errors import ArtifactError
from onward.evaluation.baselines import MAX_CATEGORIES, BoostedTrees, Constant, Linear, Validation
from onward.evaluation.permutation_importance import importance
from onward.schema import Field, Schema, Target
from onward.serving.predictor import Predictor
from onward.stages.evaluate import Settings, run
from onward.tasks import Predict, Predictions, Task, usual_task
from onward.tasks.binary import Binary
from onward.tasks.curves import (
    CLASSES,
    OTHERS,
    PAIRS,
    POINTS,
    calibration,
    confusion,
    gain,
    lift,
    pr,
    roc,
    threshold,
)
from onward.tasks.regression import Regression

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
    baselines = ("constant", "linear", "boosted_trees")
    for found in (
        *(document[w] for w in ("model", *baselines)),
        *document["differences"].values(),
    ):
        assert list(found) == list(Task.members[task].metrics)
        for metric in found.values():
            if metric["lower"] is not None:
                assert metric["lower"] <= metric["value"] <= metric["upper"]
    for who in baselines:
        of_who = document["differences"][who].items()
        # all rows have the same width, of which a bootstrap knows no variation
        assert {name for name, value in of_who if value["lower"] is None} <= {"width"}
    for who in baselines:
        for name, difference in document["differences"][who].items():
            want = document["model"][name]["value"] - document[who][name]["value"]
            assert difference["value"] == pytest.approx(want, abs=1e-4)


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
@pytest.mark.parametrize("who", ["linear", "boosted_trees"])
def test_who_learns_beats_the_constant_where_there_is_something_to_learn(
    folders: dict[str, Path], task: str, who: str
) -> None:
    document = metrics_of(folders[task])
    main = Task.members[task].main
    assert document[who][main]["lower"] > document["constant"][main]["upper"]


@every_task
def test_each_curve_has_a_file_of_moderate_size(folders: dict[str, Path], task: str) -> None:
    for name in (*Task.members[task].curves, "importance"):
        table = pl.read_csv(folders[task] / "evaluate" / "plots" / f"{name}.csv")
        assert 0 < len(table) <= PAIRS


@every_task
def test_dvc_draws_what_is_written(folders: dict[str, Path], task: str) -> None:
    for plot in Task.members[task].plots.values():
        table = pl.read_csv(folders[task] / "evaluate" / "plots" / plot.file)
        assert {plot.x, *plot.y} <= {*table.columns}


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
    for word in ("60 test rows", "constant", "linear", "boosted trees", "AUC", "Brier score"):
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
    accuracy = Binary.metrics["accuracy"]
    table = importance(
        lambda some: {"label": (some["signal"] > 0.5).to_numpy() * 1}, accuracy, rows, target, 0
    )
    assert table["column"].to_list() == ["signal", "noise"]
    assert table["drop"][0] == pytest.approx(0.5, abs=0.1)
    assert table.row(1) == ("noise", 0, 0, 0)


def test_intervals_of_importance_hold_what_it_is_in_many_rows() -> None:
    """Of 100 tables, some 95 do. The labels are right in 0.9 of the rows, or in one half."""
    accuracy, held = Binary.metrics["accuracy"], 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        signal, is_wrong = random.integers(2, size=300), random.random(300) < 0.1
        rows = pl.DataFrame({"signal": signal})
        table = importance(
            lambda some: {"label": some["signal"].to_numpy()},
            accuracy,
            rows,
            signal ^ is_wrong,
            seed,
        )
        held += table["lower"][0] <= 0.9 - 0.5 <= table["upper"][0]
    assert 90 <= held <= 99


def test_an_importance_by_rounding_is_none_and_that_of_an_undefined_metric_undefined() -> None:
    rows = pl.DataFrame({"a": np.arange(100.0)})

    def drop(task: Any, name: str, predictions: Predict, target: Any) -> Any:
        metric = task.metrics[name]
        return importance(predictions, metric, rows, np.asarray(target), 0)["drop"][0]

    def nearly_equal(some: pl.DataFrame) -> Predictions:
        return {"value": 0.3 + 1e-15 * some["a"].to_numpy()}

    def probable(some: pl.DataFrame) -> Predictions:
        return {"probabilities": np.tile([0.4, 0.6], (len(some), 1))}

    assert drop(Regression, "rmse", nearly_equal, np.linspace(0, 1, 100)) == 0
    assert np.isnan(drop(Binary, "auc", probable, [0] * 100))


def test_few_rows_have_importance_but_no_interval() -> None:
    rows = pl.DataFrame({"signal": [0, 1] * 9})
    target, accuracy = rows["signal"].to_numpy(), Binary.metrics["accuracy"]
    table = importance(lambda some: {"label": some["signal"].to_numpy()}, accuracy, rows, target, 0)
    assert table["drop"][0] > 0
    assert np.isnan(table.select("lower", "upper").row(0)).all()


def hostile(rows: int) -> pl.DataFrame:
    """What raw rows may hold: infinities, nothing at all, more categories than trees take."""
    random = np.random.default_rng(rows)
    number = random.normal(size=rows)
    number[:3] = [np.inf, -np.inf, np.nan]
    return pl.DataFrame(
        {
            "number": number,
            "nothing": pl.Series([None] * rows, dtype=pl.String),
            "many": [f"{place}" for place in random.integers(2 * MAX_CATEGORIES, size=rows)],
            "when": ["2020-01-02T03:04:05.123+02:00", "2021-02-03", "soon", None] * (rows // 4),
            "y": (number > 0).astype(str),
        }
    )


def answer(learner: Any, schema: Schema, rows: pl.DataFrame, seed: int = 0) -> Predict:
    task = usual_task(schema.target)
    return task.answer(learner(task, schema, rows, seed))


@pytest.mark.parametrize("learner", [Linear, BoostedTrees])
def test_baselines_take_whatever_is_in_the_rows(learner: Any) -> None:
    types = {
        "number": "numerical",
        "nothing": "categorical",
        "many": "categorical",
        "when": "datetime",
    }
    fields = (
        Field(name, type_, "number" if name == "number" else "text")
        for name, type_ in types.items()
    )
    schema = Schema((*fields,), Target("y", "classes", ("absent", "False", "True")))
    train, test = hostile(800), hostile(400)
    predictions = answer(learner, schema, train)(test)
    assert predictions["probabilities"].shape == (400, 3)
    assert (predictions["probabilities"][:, 0] == 0).all()
    assert (predictions["label"] == 1 + (test["y"] == "True").to_numpy()).mean() > 0.95


def test_intervals_of_the_baselines_cover_as_asked() -> None:
    schema = Schema((Field("x", "numerical", "number"),), Target("y", "number"))
    random = np.random.default_rng(0)
    x = random.normal(size=(3, 2_000))
    tables = [pl.DataFrame({"x": row, "y": row + random.normal(size=2_000)}) for row in x]
    task, reach = usual_task(schema.target), stats.norm.ppf(0.9)

    def model(rows: pl.DataFrame) -> Predictions:
        x = rows["x"].to_numpy()
        return {"value": x, "lower": x - reach, "upper": x + reach}

    for estimator in (
        Constant(task, tables[0]),
        Linear(task, schema, tables[0], 0),
        BoostedTrees(task, schema, tables[0], 0),
    ):
        predict = task.calibrate(task.answer(estimator), Validation(task, tables[1], model))
        predictions = predict(tables[2])
        covered = Regression.metrics["coverage"](tables[2]["y"].to_numpy(), predictions)
        assert covered == pytest.approx(0.8, abs=0.04)


def test_trees_read_other_dates_and_do_without_a_column_that_is_empty() -> None:
    days = [f"{1 + row % 12:02}/{1 + row % 28:02}/2024" for row in range(2_000)]
    rows = pl.DataFrame(
        {"day": days, "empty": [None] * 2_000, "outcome": [float(day[:2]) for day in days]},
        schema_overrides={"empty": pl.Float64},
    )
    fields = (
        Field("day", "datetime", "text", settings={"format": "%m/%d/%Y"}),
        Field("empty", "numerical", "number"),
    )
    schema = Schema(fields, Target("outcome", "number"))
    predictions = answer(BoostedTrees, schema, rows)(rows)
    np.testing.assert_allclose(predictions["value"], rows["outcome"], atol=0.1)


def mixed(rows: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    number, city = random.normal(3, 2, rows), random.choice(["a", "b", "c"], rows)
    shift = pl.Series(city).replace_strict({"a": 0.0, "b": 5.0, "c": -5.0}).to_numpy()
    holes = np.where(random.random(rows) < 0.1, np.nan, number)
    outcome = 2 * np.where(np.isnan(holes), -3, holes) + shift
    return pl.DataFrame({"number": holes, "city": city.tolist(), "outcome": outcome})


def test_a_linear_target_is_what_the_linear_baseline_finds() -> None:
    fields = (Field("number", "numerical", "number"), Field("city", "categorical", "text"))
    schema = Schema(fields, Target("outcome", "number"))
    train, test = mixed(2_000, 0), mixed(500, 1)
    predictions = answer(Linear, schema, train)(test)
    np.testing.assert_allclose(predictions["value"], test["outcome"], atol=0.2)


def test_the_linear_baseline_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 3)) * [1, 10, 1e6]
    y = (x / [1, 10, 1e6] @ [1, -2, 0.5] + random.logistic(size=600) > 0) * 1
    table = pl.DataFrame(x, schema=["a", "b", "c"]).with_columns(y=pl.Series(y).cast(pl.String))
    fields = tuple(Field(name, "numerical", "number") for name in "abc")
    schema = Schema(fields, Target("y", "classes", ("0", "1")))
    want = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y).predict_proba(x)
    got = answer(Linear, schema, table)(table)["probabilities"]
    np.testing.assert_allclose(got, want, atol=1e-3)


def test_the_linear_baseline_knows_a_class_that_hardly_any_row_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("onward.evaluation.baselines._linear.MAX_PRODUCTS", 1)
    rows = pl.DataFrame({"x": [0.0, 1.0] * 2_000, "y": ["usual"] * 4_000})
    rare = pl.int_range(pl.len()) == int(np.random.default_rng(0).permutation(4_000)[-1])
    rows = rows.with_columns(y=pl.when(rare).then(pl.lit("rare")).otherwise("y"))
    schema = Schema((Field("x", "numerical", "number"),), Target("y", "classes", ("rare", "usual")))
    predictions = answer(Linear, schema, rows)(rows)
    assert (predictions["probabilities"][:, 0] > 0).all()


def test_numbers_as_large_as_they_get_do_not_stop_the_linear_baseline() -> None:
    numbers = [1e308, -1e308, 0.0, 5e-324, None, float("inf")] * 50
    rows = pl.DataFrame({"x": numbers, "y": [float(place % 3) for place in range(300)]})
    schema = Schema((Field("x", "numerical", "number"),), Target("y", "number"))
    beyond = pl.DataFrame({"x": [float("-inf"), float("inf"), float("nan")], "y": [0.0] * 3})
    predictions = answer(Linear, schema, rows)(beyond)
    assert np.isfinite(predictions["value"]).all()


def test_a_table_of_much_work_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onward.evaluation.baselines._linear.MAX_PRODUCTS", 2_000_000)
    monkeypatch.setattr("onward.evaluation.baselines._linear.MIN_LINEAR_ROWS", 100)
    fields = (Field("number", "numerical", "number"), Field("city", "categorical", "text"))
    schema = Schema(fields, Target("outcome", "number"))
    train, test = mixed(100_000, 0), mixed(500, 1)
    first, second = (answer(Linear, schema, train, seed)(test)["value"] for seed in (0, 1))
    assert not np.array_equal(first, second)  # other rows were drawn
    np.testing.assert_allclose(first, test["outcome"], atol=0.5)


def binary(rows: int, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    target = random.integers(2, size=rows)
    probability = ((target + random.normal(0, 1, rows)) / 6 + 0.4).clip(0, 1).round(2)
    return target, {"probabilities": np.stack([1 - probability, probability], 1)}


@pytest.mark.parametrize(("rows", "seed"), [(2, 0), (9, 1), (60, 2), (400, 3)])
def test_a_threshold_does_what_scikit_learn_counts(rows: int, seed: int) -> None:
    target, predictions = binary(rows, seed)
    table = threshold((), target, predictions, np.random.default_rng(0))
    for line in table[:: len(table) // 7].iter_rows(named=True):
        label = (predictions["probabilities"][:, 1] >= line["threshold"]) * 1
        known = {"y_true": target, "y_pred": label, "zero_division": np.nan}
        assert line["selected"] == pytest.approx(label.mean(), abs=1e-6)
        for name, want in (
            ("precision", reference.precision_score(**known)),
            ("recall", reference.recall_score(**known)),
            ("f1", reference.f1_score(**known)),
        ):
            got = np.nan if line[name] is None else line[name]
            assert got == pytest.approx(want, abs=1e-6, nan_ok=True)
        if 0 < target.mean() < 1:
            want = reference.balanced_accuracy_score(target, label)
            assert line["balanced_accuracy"] == pytest.approx(want, abs=1e-6)


def test_gain_and_lift_follow_from_the_surest_rows() -> None:
    target = np.array([1, 1, 0, 1, 0, 0, 0, 0])
    probability = np.linspace(0.9, 0.1, 8)
    predictions = {"probabilities": np.stack([1 - probability, probability], 1)}
    table = gain((), target, predictions, np.random.default_rng(0))
    assert table["share"].to_list() == [place / 8 for place in range(9)]
    np.testing.assert_allclose(table["gain"], np.array([0, 1, 2, 2, 3, 3, 3, 3, 3]) / 3, atol=1e-6)
    table = lift((), target, predictions, np.random.default_rng(0))
    np.testing.assert_allclose(table["lift"][1], 8 / 3, atol=1e-6)
    assert table["lift"][-1] == 1
    assert table["lift"].null_count() == 0


def test_bins_of_a_calibration_have_the_interval_of_wilson() -> None:
    probability = np.full(10, 0.35)
    predictions = {"probabilities": np.stack([1 - probability, probability], 1)}
    target = np.array([1] + [0] * 9)
    line = calibration((), target, predictions, np.random.default_rng(0)).row(0, named=True)
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", method 3, for 1/10
    assert (line["lower"], line["upper"]) == pytest.approx((0.0179, 0.4042), abs=1e-4)


def test_one_class_alone_has_curves_without_numbers_that_are_none() -> None:
    predictions = {"probabilities": np.full((4, 2), 0.5), "label": np.zeros(4, np.int64)}
    for name, curve in Binary.curves.items():
        table = curve(("no", "yes"), np.zeros(4, np.int64), predictions, np.random.default_rng(0))
        assert len(table), name
        assert not table.select(pl.col(pl.Float64).is_nan().any()).to_numpy().any(), name
