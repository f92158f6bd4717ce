"""A network that is trained again on held-out rows ships, and the one before is measured."""

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from interrupted import KilledError, in_step, kill
from pydantic import ValidationError
from two_blocks import rows as rows_of
from typer.testing import CliRunner

from onward.__main__ import app
from onward.errors import ConfigError
from onward.evaluation.retraining import sections
from onward.network.bag import load_network, load_refitted
from onward.serving.predictor import Predictor
from onward.settings.config import section
from onward.stages import evaluate, export, prepare, report, train
from onward.table.row_filter import RowFilter, row_hashes
from onward.table.splits import Part
from onward.training.default_settings import Given
from onward.training.schedule import Schedule

CONFIG = """\
prepare:
  source: {{type: csv, path: table.csv}}
  target: {{name: y, kind: {kind}}}
  split: {{type: random, validation: 0.3, test: 0.2}}
  columns: {{a: {{type: numerical}}, b: {{type: numerical}}, c: {{type: categorical}}}}
train:
  network:
    embedder: {{type: piecewise_linear, bins: 4}}
    model: {{type: mlp, width: 8, depth: 1}}
  learner: {{max_epochs: 6, batch_size: 16, learning_rate: 0.02}}
"""
STAGES: Mapping[str, Any] = {
    "prepare": prepare,
    "train": train,
    "export": export,
    "evaluate": evaluate,
    "report": report,
}


def run(folder: Path, name: str, stages: tuple[str, ...], changes: str = "") -> Path:
    """The stages of a config with more lines, in this process."""
    config = folder / f"{name}.yaml"
    base = (folder / f"{name.split('-')[0]}.yaml").read_text()
    config.write_text(base + changes)
    out = folder / "artifacts" / name
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in stages:
            STAGES[stage].run(section(config, stage, STAGES[stage].Settings), out)
    return out


def again(folder: Path, name: str, changes: str, *stages: str) -> Path:
    """The same config with more lines, on the same prepared rows."""
    first = name.split("-")[0]
    shutil.copytree(folder / f"artifacts/{first}/prepare", folder / f"artifacts/{name}/prepare")
    return run(folder, name, stages, changes)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configs of a number and of classes, all stages; and the first with both refits."""
    folder = tmp_path_factory.mktemp("project")
    a, b = np.random.default_rng(0).normal(size=(2, 300)).round(3)
    c = np.random.default_rng(1).choice(["x", "y"], 300)
    y = a * b + a + (c == "x")
    table = pl.DataFrame({"a": a, "b": b, "c": c, "y": y})
    table.write_csv(folder / "table.csv")
    (folder / "number.yaml").write_text(CONFIG.format(kind="number"))
    run(folder, "number", ("prepare", "train", "export"))
    again(folder, "number-validation", "  refit: validation\n", *[*STAGES][1:])
    again(folder, "number-test", "  refit: test\n", "train", "export")
    return folder


def networks(folder: Path) -> tuple[Any, Any]:
    data = (folder / "train/network.pt").read_bytes()
    return load_network(data), load_refitted(data)


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_epochs_of_fewer_steps_take_each_row_once_before_any_again() -> None:
    rows = rows_of(torch.zeros(30, 1), torch.zeros(30, 1, dtype=torch.int64), torch.zeros(30))
    whole = Schedule(rows, batch_size=3, max_epochs=4, warmup=0.0, seed=1, sampler=None)
    cut = whole.with_epochs_of(4)
    together = torch.cat([cut.orders(epoch) for epoch in range(5)])
    assert cut.steps == 16
    assert [len(cut.orders(epoch)) for epoch in range(5)] == [12] * 5
    assert torch.equal(together, torch.cat([whole.orders(0), whole.orders(1)]))
    assert Counter(together[:30].tolist()) == Counter(range(30))


@pytest.mark.parametrize(("added", "rows"), [("validation", 240), ("test", 300)])
def test_the_first_network_and_its_metrics_stay(project: Path, added: str, rows: int) -> None:
    plain, refitted = project / "artifacts/number", project / f"artifacts/number-{added}"
    first, second = networks(refitted)
    [known, none] = networks(plain)

    assert none is None
    assert first.dump() == known.dump()
    assert read(refitted / "train/history.json") == read(plain / "train/history.json")
    metrics = read(refitted / "train/metrics.json")
    about = metrics.pop("refit")
    assert metrics == read(plain / "train/metrics.json")
    assert about["rows"] == rows
    assert about["steps"] == metrics["best_epoch"] * (150 // 16)
    for name, value in second.head.state_dict().items():
        assert torch.equal(value, first.head.state_dict()[name])
    assert not torch.equal(*(next(iter(n.model.parameters())) for n in (first, second)))


def test_each_refit_learns_from_other_rows(project: Path) -> None:
    few, many = (networks(project / f"artifacts/number-{a}")[1] for a in ("validation", "test"))
    assert not torch.equal(*(next(iter(network.model.parameters())) for network in (few, many)))


def test_the_second_network_ships_and_the_first_is_measured(project: Path) -> None:
    plain, refitted = project / "artifacts/number", project / "artifacts/number-validation"
    rows = pl.read_parquet(refitted / "prepare/test.parquet")
    columns = rows.select("a", "b", "c").to_dict(as_series=False)
    shipped = Predictor(refitted / "export/model.onnx")
    measured = Predictor(refitted / "export/evaluated.onnx")
    known = Predictor(plain / "export/model.onnx")

    shipped.verify()
    measured.verify()
    assert not (plain / "export/evaluated.onnx").exists()
    for name, values in known(columns).items():
        np.testing.assert_array_equal(measured(columns)[name], values)
        assert not np.array_equal(shipped(columns)[name], values)
    found = [model(columns) for model in (shipped, known)]
    radius, before = (values["upper"] - values["value"] for values in found)
    np.testing.assert_allclose(radius, before)
    for name in ("monitor", "reference"):
        assert shipped.metadata[name] == measured.metadata[name] == known.metadata[name]
    assert "refit" not in measured.metadata["metrics"]
    error = np.abs(known(columns)["value"] - rows["y"].to_numpy()).mean()
    assert read(refitted / "evaluate/metrics.json")["mae"] == pytest.approx(error, rel=1e-4)


def test_pages_and_descriptions_say_so(project: Path) -> None:
    words = "The weights are from a second training, on all training and validation rows (240 rows,"
    refitted = project / "artifacts/number-validation"
    for name in ("report.html", "model_card.md"):
        assert words in (refitted / "report" / name).read_text()
        assert "evaluated.onnx" in (refitted / "report" / name).read_text()
    said = CliRunner().invoke(app, ["describe", str(refitted / "export/model.onnx")]).output
    assert words in " ".join(said.split())
    said = CliRunner().invoke(app, ["describe", str(refitted / "export/evaluated.onnx")]).output
    assert "second training" not in " ".join(said.split())


@pytest.mark.parametrize("added", ["validation", "test"])
def test_the_file_recognizes_the_rows_that_it_has_learned_from(project: Path, added: str) -> None:
    out = project / f"artifacts/number-{added}"
    notes = Predictor(out / "export/model.onnx").metadata["training_rows"]
    hashes = row_hashes(pl.read_parquet(out / "prepare/test.parquet").select("a", "b", "c", "y"))
    known = RowFilter.load(notes).knows(hashes).mean()
    assert known == 1 if added == "test" else known < 0.1
    assert notes["test"]["known"] < 6


@pytest.mark.parametrize("step", [20, 60])  # of the first and of the second training
def test_a_kill_in_either_training_changes_nothing(project: Path, step: int) -> None:
    name = f"number-killed{step}"
    with pytest.raises(KilledError), in_step(step, kill):
        again(project, name, "  refit: validation\n", "train")
    out = run(project, name, ("train",), "  refit: validation\n")

    for file in ("network.pt", "metrics.json"):
        known = (project / "artifacts/number-validation/train" / file).read_bytes()
        assert (out / "train" / file).read_bytes() == known


def test_selected_columns_and_the_decision_rule_are_kept(project: Path) -> None:
    table = pl.read_csv(project / "table.csv")
    table = table.with_columns(
        y=pl.when(pl.col("y") > 1).then(pl.lit("yes")).otherwise(pl.lit("no"))
    )
    (project / "classes").mkdir()
    table.write_csv(project / "classes/table.csv")
    kind = "classes, classes: [no, yes]"
    (project / "classes/classes.yaml").write_text(CONFIG.format(kind=kind))
    rest = "  refit: validation\n  selection: {}\nexport: {decision: {metric: f1}}\n"
    run(project / "classes", "classes", ("prepare",))
    out = again(project / "classes", "classes-refit", rest, "train", "export")
    shipped, measured = (Predictor(out / f"export/{n}.onnx") for n in ("model", "evaluated"))
    assert shipped.schema == measured.schema
    threshold = shipped.metadata["decision"]["threshold"]
    found = shipped(table.select("a", "b", "c").to_dict(as_series=False))
    is_above = found["probabilities"][:, 1] >= threshold
    np.testing.assert_array_equal(found["label"] == "yes", is_above)
    assert threshold != 0.5


def test_what_cannot_be_combined_is_refused(project: Path) -> None:
    with pytest.raises(ValidationError, match="Remove refit, or folds"):
        Given.model_validate({"folds": 3, "refit": "validation"})
    with pytest.raises(ConfigError, match="cannot be selected"):
        run(project, "number-validation", ("export",), "  refit: validation\nexport: {k: 1}\n")


def test_models_of_folds_and_shares_are_trained_once(project: Path) -> None:
    assert "refit" not in sections(project / "artifacts/number-validation", Part())["train"]
