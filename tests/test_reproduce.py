"""`onward reproduce` on real projects with a real dvc, and the comparison of results."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_model import edit as change_notes
from example_model import example

from onward.cli._compare_artifacts import Comparison, compare, distance
from onward.cli._recorded_run import RecordedRun
from onward.cli._reproduction import Reproduction, is_reproduced, link_start, reproduction_lines
from onward.errors import ArtifactError
from onward.serving.predictor import Predictor

CONFIG = Path("configs/t.yaml")


def run(folder: Path, *command: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    rows = "".join(f"{row % 7 / 2},{'ab'[row % 2]},{row % 5}\n" for row in range(120))
    (tmp_path / "t.csv").write_text(f"x,kind,y\n{rows}")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    run(tmp_path, "onward", "init", "t.csv", "--target", "kind")
    edit(tmp_path / CONFIG, "max_epochs: auto", "max_epochs: 2")
    return tmp_path


def test_a_stage_is_reproduced_until_its_table_changes(project: Path) -> None:
    run(project, "dvc", "repro", "-q", "data.dvc", "prepare@t")
    assert run(project, "onward", "reproduce", str(CONFIG)) == "prepare   identical\n"

    with (project / "data/t.csv").open("a") as table:
        table.write("9.5,a,3\n")

    printed = run(project, "onward", "reproduce", str(CONFIG), code=6)
    assert "prepare   different: " in printed
    assert "data: data is modified" in printed
    assert sorted(path.name for path in project.glob(".reproduce-*")) == []


@pytest.mark.slow
def test_an_interrupted_training_is_neither_resumed_nor_removed(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(project, "dvc", "repro", "-q", "data.dvc", "train@t")
    shared = tmp_path_factory.mktemp("shared")
    checkpoint = shared / "t" / "step-000000000001.pt"
    checkpoint.parent.mkdir()
    checkpoint.write_text("state")
    monkeypatch.setenv("ONWARD_CHECKPOINTS", str(shared))

    printed = run(project, "onward", "reproduce", str(CONFIG))

    assert printed == "prepare   identical\ntrain     identical\n"
    assert checkpoint.read_text() == "state"


def test_the_model_to_start_from_is_linked(tmp_path: Path) -> None:
    model = Path("artifacts/first/train/network.pt")
    (tmp_path / model).parent.mkdir(parents=True)
    (tmp_path / model).write_text("weights")
    again = tmp_path / ".reproduce-x" / "again"
    again.mkdir(parents=True)
    link_start(tmp_path, again, Path("artifacts/first"))
    (again / "artifacts/t").mkdir()
    assert (again / model).read_text() == "weights"
    assert not (tmp_path / "artifacts/t").exists()


@pytest.mark.slow
def test_all_stages_are_reproduced_until_a_seed_changes(project: Path) -> None:
    run(project, "dvc", "repro", "-q")
    printed = run(project, "onward", "reproduce", str(CONFIG))
    assert [line.split() for line in printed.splitlines()] == [
        *([stage, "identical"] for stage in ("prepare", "train", "export", "evaluate")),
        ["report", "not", "compared,", "as", "it", "contains", "times"],
    ]

    config = project / CONFIG
    before, _, after = config.read_text().partition("\ntrain:\n  seed: 0")
    config.write_text(f"{before}\ntrain:\n  seed: 1{after}")

    printed = run(project, "onward", "reproduce", str(CONFIG), code=6)
    assert "prepare   identical\n" in printed
    assert "seed: train.seed was 0 and is 1" in printed
    assert "inputs: train is not identical" in printed


@pytest.mark.parametrize("lock", [None, "", "[]\n", "stages:\n"])
def test_nothing_recorded_is_an_error(tmp_path: Path, lock: str | None) -> None:
    if lock is not None:
        (tmp_path / "dvc.lock").write_text(lock)
    with pytest.raises(ArtifactError, match=r"no run of configs/t\.yaml .* `dvc repro` first"):
        RecordedRun(tmp_path, CONFIG)


def publish(folder: Path, name: str, content: bytes | np.ndarray | Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    if isinstance(content, np.ndarray):
        np.save(path, content)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"auc": 0.5}, {"auc": 0.5004}, 0.0004),  # a share
        ({"cross_validation": {"r2": 0.0}}, {"cross_validation": {"r2": 0.0004}}, 0.0004),
        ({"r2": -3.0}, {"r2": -4.0}, 0.25),
        ({"log_loss": 0.0004}, {"log_loss": 0.0012}, 2 / 3),
        ({"rmse": 0.0004}, {"rmse": 0.0012}, 2 / 3),
        ({"rmse": 0.0}, {"rmse": 0.0}, 0.0),
        ({"rmse": 1000.0}, {"rmse": 1001.0}, 1 / 1001),
        ({"loss": 0.5}, {"other": 0.5}, math.inf),
        ({"auc": None}, {"auc": 0.5}, math.inf),
        ({"losses": [1, 2]}, {"losses": [1]}, math.inf),
        ({"name": "a", "is": True}, {"name": "a", "is": True}, 0.0),
    ],
)
def test_the_distance_of_documents(tmp_path: Path, before: Any, now: Any, expected: float) -> None:
    paths = [
        publish(tmp_path / folder, "metrics.json", document)
        for folder, document in (("before", before), ("now", now))
    ]
    assert distance(paths[0], paths[1]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ([1.0, math.nan, math.inf], [1.0, math.nan, math.inf], 0.0),
        ([0.25, 0.0], [0.25, 0.01], 0.01),
        ([1.0], [math.nan], math.inf),
        ([1.0], [1.0, 2.0], math.inf),
        ([], [], 0.0),
    ],
)
def test_the_distance_of_arrays(
    tmp_path: Path, before: list[float], now: list[float], expected: float
) -> None:
    paths = [
        publish(tmp_path / folder, "train.numerical.npy", np.array(values))
        for folder, values in (("before", before), ("now", now))
    ]
    assert distance(paths[0], paths[1]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "before", "now", "expected"),
    [
        ("train.target.npy", [0.0004, 0.0], [0.0012, 0.0], 2 / 3),  # in any unit
        ("train.weight.npy", [2e-6, 1e-6], [1e-6, 1e-6], 1 / 2),
        ("train.row.npy", [5000, 5001, 5002, 5003], [5000, 5001, 5002, 5004], 1 / 4),  # no amounts
        ("train.categorical.npy", [[1, 2], [1, 2]], [[1, 2], [1, 2]], 0.0),
    ],
)
def test_the_distance_of_targets_weights_and_codes(
    tmp_path: Path, name: str, before: list[Any], now: list[Any], expected: float
) -> None:
    paths = [
        publish(tmp_path / folder, name, np.array(values))
        for folder, values in (("before", before), ("now", now))
    ]
    assert distance(paths[0], paths[1]) == pytest.approx(expected)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_model_file_has_no_distance_from_itself(tmp_path: Path, task: str) -> None:
    path = example(tmp_path / "model.onnx", task)
    assert distance(path, path) == pytest.approx(0.0, abs=1e-6)


def change_predictions(path: Path, name: str, change: Callable[[list[Any]], list[Any]]) -> None:
    replay = Predictor(path).metadata["replay"]
    replay["predictions"][name] = change(replay["predictions"][name])
    change_notes(path, {"replay": json.dumps(replay)})


def test_labels_that_differ_are_a_distance(tmp_path: Path) -> None:
    old, new = (example(tmp_path / name) for name in ("old.onnx", "new.onnx"))
    other = {"<=50K": ">50K", ">50K": "<=50K"}
    change_predictions(old, "label", lambda labels: [other[labels[0]], *labels[1:]])
    assert distance(old, new) == 1 / 8  # of the rows


def test_predictions_are_compared_in_their_unit(tmp_path: Path) -> None:
    old, new = (example(tmp_path / name, "regression") for name in ("old.onnx", "new.onnx"))
    change_predictions(old, "value", lambda values: [value * 1.25 for value in values])
    assert distance(old, new) == pytest.approx(0.2)
    change_predictions(old, "value", lambda values: values[1:])
    assert distance(old, new) == math.inf


def test_an_output_in_one_file_only_cannot_be_compared(tmp_path: Path) -> None:
    old, new = (example(tmp_path / name) for name in ("old.onnx", "new.onnx"))
    replay = Predictor(old).metadata["replay"]
    del replay["predictions"]["label"]
    change_notes(old, {"replay": json.dumps(replay)})
    assert distance(old, new) == math.inf


def test_the_evaluated_file_is_compared(tmp_path: Path) -> None:
    for folder in ("before", "now"):
        (tmp_path / folder).mkdir()
        for name in ("model.onnx", "evaluated.onnx"):
            example(tmp_path / folder / name, "regression")
    path = tmp_path / "before/evaluated.onnx"
    change_predictions(path, "value", lambda values: [value * 1.25 for value in values])

    comparison = compare("export", tmp_path / "before", tmp_path / "now")

    assert not comparison.is_reproduced
    assert comparison.where == "evaluated.onnx"


def test_losses_decide_about_other_weights(tmp_path: Path) -> None:
    for folder, weights, loss in (("before", b"a", 0.5), ("now", b"b", 0.50001)):
        publish(tmp_path / folder, "network.pt", weights)
        publish(tmp_path / folder, "metrics.json", {"validation/loss": loss})
        publish(tmp_path / folder, "speed.json", {"seconds": loss})

    comparison = compare("train", tmp_path / "before", tmp_path / "now")

    assert comparison.differing == ("metrics.json", "network.pt")
    assert comparison.verdict.startswith("within tolerance (0.001): largest difference 2e-05")


def test_the_ends_of_an_interval_are_judged_by_the_metric(tmp_path: Path) -> None:
    for folder, value, end in (("before", 100.0, 0.002), ("now", 100.00001, 0.00201)):
        rmse = {"value": value, "lower": 90.0, "upper": 110.0}
        difference = {"value": -5.0, "lower": -10.0, "upper": end}
        metrics = {"rmse": rmse, "differences": {"linear": {"rmse": difference}}}
        publish(tmp_path / folder, "metrics.json", metrics)

    assert compare("evaluate", tmp_path / "before", tmp_path / "now").is_reproduced


def test_a_report_is_not_called_identical(tmp_path: Path) -> None:
    for folder in ("before", "now"):
        publish(tmp_path / folder, "report.html", folder.encode())
    results = [Reproduction("report", compare("report", tmp_path / "before", tmp_path / "now"), ())]
    assert is_reproduced(results)
    assert [*reproduction_lines(results)] == ["report    not compared, as it contains times"]


@pytest.mark.parametrize("name", ["metrics.json", "network.pt"])
@pytest.mark.parametrize("folder", ["before", "now"])
def test_a_missing_file_is_a_difference(tmp_path: Path, folder: str, name: str) -> None:
    for path in (tmp_path / "before", tmp_path / "now"):
        publish(path, "losses.csv", b"")
    publish(tmp_path / folder, name, {})

    comparison = compare("train", tmp_path / "before", tmp_path / "now")

    assert not comparison.is_reproduced
    assert comparison.verdict == f"different: only one result has {name}"


def test_what_differs_without_a_cause_says_so() -> None:
    results = [Reproduction("train", Comparison(("network.pt",), math.inf, "metrics.json"), ())]
    assert not is_reproduced(results)
    assert "cause unknown" in "\n".join(reproduction_lines(results))
