"""Weights of rows, and samples of them: from the table to the file and what is measured."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.artifacts.prepared import Prepared
from onward.errors import ConfigError, DataError
from onward.serving.predictor import Predictor
from onward.settings.config import section
from onward.stages import evaluate, export, prepare, report, train
from onward.table.splits import LEFT_OUT, SPLITS, Sample, drop_unsampled

CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: left, kind: classes, classes: ["no", "yes"]}
  weights: people
  split: {type: stratified, validation: 0.25, test: 0.25}
  columns:
    age: {type: numerical}
train:
  network: {embedder: {type: identity}, model: {type: linear}}
  learner: {max_epochs: 2}
export: {}
evaluate: {}
report: {}
"""
ROWS = 600
STAGES = {"prepare": prepare, "train": train, "export": export}


def table() -> pl.DataFrame:
    draw = np.random.default_rng(0)
    age = draw.normal(40, 10, ROWS).round(3)
    left = age + draw.normal(0, 5, ROWS) > 50
    weights = draw.integers(1, 5, ROWS)
    return pl.DataFrame({"age": age, "people": weights, "left": np.where(left, "yes", "no")})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    table().write_csv("table.csv")
    Path("some.yaml").write_text(CONFIG)
    return tmp_path


def change(old: str, new: str) -> None:
    text = Path("some.yaml").read_text()
    assert old in text
    Path("some.yaml").write_text(text.replace(old, new))


def run(*names: str) -> Path:
    folder = Path("artifacts/some")
    for name in names:
        stage: Any = {**STAGES, "evaluate": evaluate, "report": report}[name]
        stage.run(section(Path("some.yaml"), name, stage.Settings), folder)
    return folder


def test_weights_are_obeyed_from_the_table_to_the_page(project: Path) -> None:
    change("export: {}", "export: {decision: {metric: balanced_accuracy}}")
    folder = run(*STAGES, "evaluate", "report")
    rows, weights = Prepared(folder / "prepare").rows("test").collect(), table()
    known = dict(zip(weights["age"], weights["people"], strict=True))
    found = np.load(folder / "prepare/test.weight.npy")
    assert found.tolist() == [known[age] for age in rows["age"]]

    predictor = Predictor(folder / "export/model.onnx")
    assert [field.name for field in predictor.schema.columns] == ["age"]
    right = predictor(rows)["label"] == rows["left"].to_numpy()
    metrics = json.loads((folder / "evaluate/metrics.json").read_text())
    assert metrics["accuracy"] == pytest.approx(np.average(right, weights=found), rel=1e-4)
    assert metrics["accuracy"] != pytest.approx(right.mean(), rel=1e-4)

    decision = predictor.metadata["decision"]
    assert decision["test"]["after"] == pytest.approx(metrics["balanced_accuracy"], rel=1e-4)
    assert decision["test"]["after"] > decision["test"]["before"]
    chosen = predictor(rows)["probabilities"][:, 1] >= decision["threshold"]
    assert (chosen == (predictor(rows)["label"] == "yes")).all()
    assert predictor.verify()["label"] == 0
    page = (folder / "report/report.html").read_text()
    assert f"from a probability of {decision['threshold']:.4g} on" in page
    assert "Rows are weighted by people" in page


def test_a_weight_counts_as_that_many_losses(project: Path) -> None:
    """Equal weights, whatever they are, are none: the same network comes out."""
    pl.read_csv("table.csv").with_columns(people=pl.lit(7)).write_csv("table.csv")
    first = onnx.load(run(*STAGES) / "export/model.onnx").graph.SerializeToString()
    change("  weights: people\n", "")
    assert onnx.load(run(*STAGES) / "export/model.onnx").graph.SerializeToString() == first


def test_weights_change_what_is_learned(project: Path) -> None:
    first = onnx.load(run(*STAGES) / "export/model.onnx").graph.SerializeToString()
    change("  weights: people\n", "")
    assert onnx.load(run(*STAGES) / "export/model.onnx").graph.SerializeToString() != first


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("-2", r"table\.csv: .*'people'.* a weight below 0.*-2"),
        ("", r"table\.csv: .*'people'.* no weight"),
        ("NaN", r"table\.csv: .*'people'"),
        ("many", r"table\.csv: .*'people'.*many"),
    ],
)
def test_a_bad_weight_is_refused(project: Path, value: str, message: str) -> None:
    lines = Path("table.csv").read_text().splitlines()
    age, _, left = lines[5].split(",")
    lines[5] = f"{age},{value},{left}"
    Path("table.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=rf"(?s){message}"):
        run("prepare")


def test_weights_of_nothing_are_refused(project: Path) -> None:
    pl.read_csv("table.csv").with_columns(people=pl.lit(0)).write_csv("table.csv")
    with pytest.raises(DataError, match=r"all 300 rows of the split 'train' have weight 0"):
        run("prepare")


def test_the_weight_is_no_column_of_the_model(project: Path) -> None:
    change("age: {", "people: {")
    with pytest.raises(ConfigError, match=r"'people' is the target or a column"):
        run("prepare")


def test_a_sample_is_said_and_leaves_held_out_rows_alone(project: Path) -> None:
    change("  weights: people\n", "  sample: {rows: 100}\n")
    folder = run("prepare")
    prepared = Prepared(folder / "prepare")
    found = prepared.profiles()
    assert found["rows"] == {"train": 100, "validation": 150, "test": 150}
    assert found["sampled_from"] == 300
    assert {s: len(prepared.arrays(s).targets) for s in SPLITS} == found["rows"]


@given(
    counts=st.lists(st.integers(1, 80), min_size=2, max_size=5),
    share=st.floats(0.05, 1.0),
    seed=st.integers(0, 1000),
)
def test_a_sample_keeps_the_shares_of_classes(counts: list[int], share: float, seed: int) -> None:
    targets = np.repeat(np.arange(len(counts)), counts)
    splits = np.where(np.arange(len(targets)) % 4 == 3, 1, 0)
    there = np.bincount(targets[splits == 0])
    wanted = max((there > 0).sum(), round(share * there.sum()))

    kept = drop_unsampled(splits, targets, Sample(rows=int(wanted)), seed)

    assert (kept == drop_unsampled(splits, targets, Sample(rows=int(wanted)), seed)).all()
    assert (kept[splits == 1] == 1).all()
    assert set(kept[splits == 0]) <= {0, LEFT_OUT}
    left = np.bincount(targets[kept == 0], minlength=len(there))
    assert left.sum() == min(wanted, there.sum())
    assert (left[there > 0] >= 1).all()
    exact = there * wanted / there.sum()
    if exact[there > 0].min() >= 1:
        assert np.abs(left - exact).max() < 1


def test_fewer_rows_than_classes_are_refused() -> None:
    with pytest.raises(ConfigError, match="2 rows cannot contain all 3 classes"):
        drop_unsampled(np.zeros(9, np.int8), np.repeat([0, 1, 2], 3), Sample(rows=2), 0)


def test_a_sample_of_numbers_is_drawn_from_all() -> None:
    splits = np.zeros(1000, np.int8)
    kept = drop_unsampled(splits, np.arange(1000.0), Sample(rows=200), 0)
    assert (kept == 0).sum() == 200
    assert abs(np.flatnonzero(kept == 0).mean() - 500) < 80
