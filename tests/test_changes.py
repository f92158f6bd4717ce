"""A difference to the previous run is reported only if it is significant."""

import json
import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest
from finished_stages import finish
from hypothesis import given
from hypothesis import strategies as st

from onward.artifacts.publishing import manifest, publishing
from onward.evaluation.bootstrap import Estimate, sample
from onward.evaluation.previous_run import (
    MeasuredModel,
    as_sample,
    as_table,
    changes,
    is_paired,
    table_lines,
    verdict,
)
from onward.stages import evaluate
from onward.tasks import Array, Metric, Predictions, Task
from onward.tasks.binary import Binary
from onward.tasks.regression import Regression

REGRESSION = Regression.metrics


def measured(target: Array, value: Array, rows: int | None = None) -> MeasuredModel:
    predictions = {"value": value, "lower": value - 1, "upper": value + 1}
    values = {name: metric(target, predictions) for name, metric in REGRESSION.items()}
    return MeasuredModel(values, sample(target, predictions, seed=0))


def numbers(rows: int, error: float, seed: int = 0) -> MeasuredModel:
    """Hard rows and easy ones; the errors are as large as asked, and those of one seed alike."""
    random = np.random.default_rng(seed)
    target, noise = random.normal(size=rows) * 5, random.normal(size=rows) ** 3
    return measured(target, target + noise * error)


def test_the_same_rows_tell_a_small_difference_that_others_do_not() -> None:
    now, before = numbers(300, 1.0), numbers(300, 1.02)
    apart = numbers(300, 1.02, seed=1)
    assert is_paired(now.sample, before.sample)
    assert not is_paired(now.sample, apart.sample)
    assert changes(REGRESSION, now, before, seed=0)["mae"].verdict == "better"
    assert changes(REGRESSION, before, now, seed=0)["mae"].verdict == "worse"
    assert changes(REGRESSION, now, apart, seed=0)["mae"].verdict == "within noise"


def test_a_paired_interval_is_that_of_theory() -> None:
    random = np.random.default_rng(0)
    target = random.normal(size=500)
    one, other = target + random.normal(size=500), target + random.normal(size=500) * 1.3
    got = changes(REGRESSION, measured(target, one), measured(target, other), seed=0)["mae"]
    errors = np.abs(target - one) - np.abs(target - other)
    half = 1.96 * errors.std() / 500**0.5
    assert got.difference.value == pytest.approx(errors.mean())
    assert got.difference.upper - got.difference.lower == pytest.approx(2 * half, rel=0.12)


def test_nothing_new_is_unchanged() -> None:
    same = numbers(50, 1.0)
    found = changes(REGRESSION, same, same, seed=0)
    assert {change.verdict for change in found.values()} == {"unchanged"}


@given(st.floats(-1, 1), st.floats(0, 0.5))
def test_a_verdict_turns_with_the_direction_of_the_metric(value: float, half: float) -> None:
    difference = Estimate(value, value - half, value + half)
    words = {
        better: verdict(Metric("x", REGRESSION["mae"].ask, better), difference)
        for better in ("higher", "lower", "neither")
    }
    if abs(value) <= half:
        assert set(words.values()) <= {"within noise", "unchanged"}
    else:
        is_up = value > 0
        assert words["higher"] == ("better" if is_up else "worse")
        assert words["lower"] == ("worse" if is_up else "better")
        assert words["neither"] == ("higher" if is_up else "lower")


def test_what_no_row_defines_is_unknown() -> None:
    nan = float("nan")
    assert verdict(REGRESSION["r2"], Estimate(nan, nan, nan)) == "unknown"


def test_a_difference_without_variation_has_no_verdict() -> None:
    target = np.random.default_rng(0).normal(size=14) * 1e5
    wide, narrow = ({"value": target, "lower": target - r, "upper": target + r} for r in (9, 8))
    widths = {"width": REGRESSION["width"]}
    models = [
        MeasuredModel({"width": 2.0 * r}, sample(target, predictions, seed=0))
        for r, predictions in ((9, wide), (8, narrow))
    ]
    change = changes(widths, models[0], models[1], seed=0)["width"]
    assert change.difference.value == 2
    assert math.isnan(change.difference.lower)
    assert change.verdict == "unknown"
    document = {"is_paired": True, "metrics": {"width": change.document()}}
    assert list(table_lines(widths, document))[-1].split() == [
        *("Interval", "width", "16", "18", "+2", "-", "unknown")
    ]
    same = changes(widths, models[0], replace(models[0], values={"width": 18 + 1e-11}), seed=0)
    assert same["width"].verdict == "unchanged"


def test_a_perfect_score_is_better_than_a_constant() -> None:
    target: Array = np.arange(200) % 2
    perfect, constant = (
        {"probabilities": np.stack([1 - p, p], 1)} for p in (target * 0.8 + 0.1, np.full(200, 0.5))
    )
    auc = {"auc": Task.members["binary"].metrics["auc"]}
    models = [
        MeasuredModel({"auc": value}, sample(target, predictions, seed=0))
        for value, predictions in ((1.0, perfect), (0.5, constant))
    ]
    change = changes(auc, models[0], models[1], seed=0)["auc"]
    assert change.difference == Estimate(0.5, 0.5, 0.5)
    assert change.verdict == "better"


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_a_sample_comes_back_from_its_file(task: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    target = random.integers(3, size=30)
    predictions: Predictions = {"value": random.normal(size=30), "levels": random.random((30, 12))}
    if task == "multiclass":
        probabilities = random.random((30, 3)).astype(np.float32)
        predictions = {"label": probabilities.argmax(1), "probabilities": probabilities}
    one = sample(target, predictions, seed=0)
    other = as_sample(as_table(one), one.rows, tuple(one.predictions))
    assert list(one.predictions) == list(other.predictions)
    for name, values in one.predictions.items():
        np.testing.assert_array_equal(values, other.predictions[name])
        assert values.dtype == other.predictions[name].dtype
    np.testing.assert_array_equal(one.target, other.target)


def evaluated(folder: Path) -> dict[str, Any]:
    evaluate.run(evaluate.Settings(), folder)
    document: dict[str, Any] = json.loads((folder / "evaluate" / "changes.json").read_text())
    return document


def mirrored(folder: Path) -> None:
    """Another model: the same graph, with weights of the other sign."""
    model = onnx.load(folder / "export" / "model.onnx")
    for tensor in model.graph.initializer:
        is_matrix = len(tensor.dims) > 1  # constants of the preprocessing are none of float32
        if is_matrix and tensor.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(tensor)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values * -1, tensor.name))
    with publishing(folder / "export", inputs={}) as work:
        onnx.save(model, work / "model.onnx")
        (work / "parity.json").write_text("{}")


def test_the_run_before_is_the_last_of_another_model(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    finish(tmp_path, "binary", classes=("no", "yes"))
    assert evaluated(tmp_path)["before"] is None
    first = json.loads((tmp_path / "evaluate" / "metrics.json").read_text())
    mirrored(tmp_path)
    with caplog.at_level(logging.INFO):
        document = evaluated(tmp_path)
    assert document["before"]["is_paired"]
    change = document["before"]["metrics"]["auc"]
    assert change["before"] == first["auc"] != change["now"]
    assert change["difference"]["value"] == pytest.approx(change["now"] - change["before"])
    assert "changes since the previous run, on the same rows" in caplog.text
    assert evaluated(tmp_path) == document  # run again, it is not its own predecessor


def test_other_rows_are_compared_apart_and_other_classes_not_at_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    finish(tmp_path, "binary", classes=("no", "yes"))
    evaluated(tmp_path)
    prepared = {path.name: path.read_bytes() for path in (tmp_path / "prepare").glob("*.*")}
    settings = manifest(tmp_path / "prepare")["settings"]
    with publishing(tmp_path / "prepare", inputs={"data": "1" * 64}, settings=settings) as work:
        for name, content in prepared.items():
            (work / name).write_bytes(content)
        pl.read_parquet(work / "test.parquet")[:50].write_parquet(work / "test.parquet")
    before = evaluated(tmp_path)["before"]
    assert not before["is_paired"]
    assert list(before["metrics"]) == list(Binary.metrics)
    evaluation = json.loads((tmp_path / "evaluate" / "comparison.json").read_text())
    with publishing(tmp_path / "evaluate", inputs={}) as work:
        document = evaluation | {"classes": ["no", "maybe"]}
        (work / "comparison.json").write_text(json.dumps(document))
    with caplog.at_level(logging.INFO):
        assert evaluated(tmp_path)["before"] is None
    assert "had another task or other classes" in caplog.text
