"""What a package of one's own adds works in all stages, without a change in ours."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from forked import onward

from onward.cli.predict import predict
from onward.serving.predictor import Predictor

CONFIG = """\
plugins: [plugin_package]
prepare:
  source: {type: csv, path: table.csv}
  target: {name: pay, kind: number}
  split: {type: random, validation: 0.2, test: 0.2}
  columns:
    age: {type: numerical}
train:
  network: {model: {type: mlp, width: 8, depth: 1}, head: {type: quantiles}}
  learner: {max_epochs: 2}
export: {}
evaluate: {sensitive: [age]}
report: {}
"""
STAGES = ("prepare", "train", "export", "evaluate", "report")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table that went through all stages; no test changes it."""
    folder = tmp_path_factory.mktemp("plugin")
    random = np.random.default_rng(0)
    age = random.normal(40, 10, 400).round(2)
    table = pl.DataFrame({"age": age, "pay": (age + random.normal(0, 3, 400)).round(2)})
    table.write_csv(folder / "table.csv")
    (folder / "configs").mkdir()
    (folder / "configs/run.yaml").write_text(CONFIG)
    for stage in STAGES:
        run = onward(folder, stage, "configs/run.yaml")
        assert run.returncode == 0, run.stderr
    return folder


def test_the_file_verifies_and_predicts_without_the_plugin(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = project / "artifacts/run/export/model.onnx"
    assert Predictor(model).verify()["quantiles"] < 1e-4
    predict(model, row='{"age": 40}')
    row = json.loads(capsys.readouterr().out)
    assert row["quantiles"] == [row["lower"], row["value"], row["upper"]]
    predict(model, str(project / "table.csv"), str(project / "predictions.csv"))
    names = ["value", "lower", "upper", "quantiles_0", "quantiles_1", "quantiles_2"]
    assert pl.read_csv(project / "predictions.csv").columns == names


def test_its_metric_is_compared_with_the_baselines(project: Path) -> None:
    found = json.loads((project / "artifacts/run/evaluate/comparison.json").read_text())
    assert found["task"] == "quantiles"
    assert all(found[who]["pinball"]["value"] > 0 for who in ("model", "linear", "boosted_trees"))


def test_its_curve_is_a_card_of_the_report(project: Path) -> None:
    curve = pl.read_csv(project / "artifacts/run/evaluate/plots/reliability.csv")
    assert curve["level"].to_list() == [0.1, 0.5, 0.9]
    page = (project / "artifacts/run/report/report.html").read_text()
    assert "The mean pinball loss of pay is" in page
    assert 'aria-label="Share of rows by level"' in page
    assert "Shares below quantiles" in page
