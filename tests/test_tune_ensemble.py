"""The best trainings of a search as one ensemble, if that is better beyond noise."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest
from interrupted import KilledError, in_step, kill
from tiny_search import ONE_NETWORK, enter_copy, search, searched_copy
from typer.testing import CliRunner

from onward.__main__ import app
from onward.artifacts.prepared import Prepared
from onward.cli._best_settings import write_best_settings
from onward.errors import ArtifactError
from onward.export.joining import join_graphs
from onward.network.bag import load_network
from onward.settings.config import section
from onward.settings.read_yaml import read_yaml
from onward.stages import prepare, train, tune
from onward.training.default_settings import Table, complete
from onward.training.history import LOSS
from onward.training.run import TrainingData
from onward.training.settings import Settings

CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: y, kind: number}
  split: {type: random, validation: 0.8, test: 0.1}
  columns: {a: {type: numerical}, b: {type: numerical}, c: {type: numerical}}
tune:
  trials: 20
  space:
    embedder: {}
    model: {width: [16, 32, 64], dropout: {low: 0.0, high: 0.4, or_zero: true}}
    learner: {learning_rate: {low: 5.0e-3, high: 1.0e-1, log: true}}
train:
  network:
    embedder: {type: piecewise_linear, bins: 4}
    model: {type: mlp, width: 4, depth: 1, dropout: 0.0}
  learner: {learning_rate: 1.0e-4, max_epochs: 27, batch_size: 32}
"""
RESULTS = ("best.yaml", "tuning.json")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Few training rows and much noise: networks overfit, each in its own way."""
    folder = tmp_path_factory.mktemp("project")
    draw = np.random.default_rng(2)
    a, b, c = draw.normal(size=(3, 1500)).round(3)
    y = a * b + np.sin(2 * c) + draw.normal(size=1500)
    pl.DataFrame({"a": a, "b": b, "c": c, "y": y}).write_csv(folder / "table.csv")
    (folder / "c.yaml").write_text(CONFIG + ONE_NETWORK)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        prepare.run(section(Path("c.yaml"), "prepare", prepare.Settings), Path("artifacts/c"))
    return folder


@pytest.fixture(scope="module")
def tuned(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return searched_copy(prepared, tmp_path_factory)


@pytest.fixture
def project(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter_copy(prepared, tmp_path, monkeypatch)


@pytest.fixture
def again(tuned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose search is finished."""
    return enter_copy(tuned, tmp_path, monkeypatch)


def found(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "artifacts/c/tune/tuning.json").read_text())
    return document


def test_the_trained_ensemble_is_the_one_that_was_found(
    again: Path, caplog: pytest.LogCaptureFixture
) -> None:
    about = found(again)["ensemble"]
    assert about["refusal"] == ""
    assert about["loss"] < about["single"]
    assert about["gain"]["lower"] > 0
    best, config = again / "artifacts/c/tune/best.yaml", again / "c.yaml"

    said = write_best_settings(best, config)
    train.run(section(config, "train", train.Settings), again / "artifacts/c")

    assert f"{len(about['members'])} networks are trained, and averaged in one file" in said
    metrics = json.loads((again / "artifacts/c/train/metrics.json").read_text())
    assert metrics[LOSS] == pytest.approx(about["loss"], rel=1e-4)
    losses = {(one["trial"], one["epochs"]): one["loss"] for one in found(again)["trainings"]}
    for member, trained in zip(about["members"], metrics["members"], strict=True):
        alone = losses[member["trial"], member["epochs"]]
        assert (trained["count"], trained[LOSS]) == (
            member["count"],
            pytest.approx(alone, rel=1e-4),
        )


def test_without_members_the_config_has_the_best_training(again: Path) -> None:
    document = read_yaml(again / "artifacts/c/tune/best.yaml")["train"]
    [best] = [
        one
        for one in found(again)["trainings"]
        if all(one[name] == found(again)["best"][name] for name in ("trial", "epochs"))
    ]
    assert document["learner"]["learning_rate"] == best["values"]["learner.learning_rate"]
    assert {"network", "learner", "members"} == document.keys()


def test_a_later_search_that_prefers_one_network_removes_the_members(again: Path) -> None:
    best, config = again / "artifacts/c/tune/best.yaml", again / "c.yaml"
    write_best_settings(best, config)
    assert "members" in read_yaml(config)["train"]
    config.write_text(config.read_text().replace("trials: 20", "trials: 20\n  members: 1"))

    search(again)
    write_best_settings(best, config)

    assert "members" not in read_yaml(config)["train"]
    assert found(again)["ensemble"] == {"refusal": "tune.members is 1"}


def test_what_cannot_be_combined_with_members_has_no_ensemble(again: Path) -> None:
    config = again / "c.yaml"
    config.write_text(config.read_text() + "  refit: validation\n")
    search(again)
    refusal = found(again)["ensemble"]["refusal"]
    assert refusal == "train.members cannot be combined with train.refit"
    write_best_settings(again / "artifacts/c/tune/best.yaml", config)
    assert section(config, "train", train.Settings).refit == "validation"


@pytest.mark.parametrize(
    "step", [150, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 250))]
)
def test_a_kill_in_any_step_changes_nothing(tuned: Path, project: Path, step: int) -> None:
    with pytest.raises(KilledError), in_step(step, kill):
        search(project)
    search(project)
    for name in RESULTS:
        path = Path("artifacts/c/tune", name)
        assert (project / path).read_bytes() == (tuned / path).read_bytes()


def test_lost_scores_are_named(again: Path) -> None:
    best = found(again)["best"]
    scores = again / "artifacts/c/.tune.checkpoints/scores"
    (scores / f"{best['trial']}-{best['epochs']}.npy").unlink()
    with pytest.raises(ArtifactError, match=r"missing or damaged .* to search again"):
        search(again)


class Sizes:
    """Takes the number of networks for microseconds; times of this machine differ."""

    def __init__(self) -> None:
        self.measured: list[int] = []

    def time(self, settings: Settings) -> float:
        self.measured.append(len(settings.of_members))
        return float(len(settings.of_members))


@pytest.mark.parametrize(
    ("limit", "networks"), [pytest.param(1, 0, marks=pytest.mark.slow), (2, 2)]
)
def test_an_ensemble_keeps_to_the_latency_limit(
    project: Path, monkeypatch: pytest.MonkeyPatch, limit: int, networks: int
) -> None:
    watch, config = Sizes(), project / "c.yaml"
    monkeypatch.setattr(tune, "Stopwatch", lambda *_: watch.time)
    config.write_text(
        config.read_text().replace("trials: 20", f"trials: 20\n  latency_us: {limit}")
    )

    search(project)
    sizes = sorted(watch.measured)
    search(project)

    assert len(found(project)["ensemble"].get("members", [])) == networks
    assert max(sizes) > 1
    assert sorted(watch.measured) == sizes, "a shape was measured twice"


def test_trials_are_single_networks_whatever_members_the_config_has(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, config = Sizes(), project / "c.yaml"
    monkeypatch.setattr(tune, "Stopwatch", lambda *_: watch.time)
    few = "trials: 2\n  latency_us: 1\n  members: 1"
    members = "  members: [{count: 2}, {learner: {learning_rate: 1.0e-3}}]\n"
    config.write_text(config.read_text().replace("trials: 20", few) + members)
    search(project)
    assert {*watch.measured} == {1}


def test_the_untrained_ensemble_has_the_operators_of_the_trained_one(again: Path) -> None:
    out, config = again / "artifacts/c", again / "c.yaml"
    write_best_settings(out / "tune/best.yaml", config)
    given = section(config, "train", train.Settings)
    train.run(given, out)
    rows = Prepared(out / "prepare")
    network = load_network((out / "train/network.pt").read_bytes()).eval()
    trained = join_graphs(onnx.load_from_string(rows.preprocessing()), network, [])
    measure = tune.Stopwatch(rows, TrainingData.load(rows))
    untrained = measure.file(complete(given, Table.of(rows)))
    assert [n.op_type for n in untrained.graph.node] == [n.op_type for n in trained.graph.node]


def test_the_log_says_what_was_preferred(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    config = project / "c.yaml"
    config.write_text(config.read_text().replace("trials: 20", "trials: 2\n  members: 1"))
    search(project)
    assert "tune: No ensemble: tune.members is 1." in caplog.text


def repeatedly_killed(folder: Path, command: str, kills: int) -> None:
    """Run a command until it has been killed so many times in its work; then let it end."""
    arguments = [sys.executable, "-m", "onward", command, "c.yaml"]
    draw = np.random.default_rng(0)
    killed = 0
    for _ in range(3 * kills):  # on a busy machine some runs end before they are hit
        number = (signal.SIGKILL, signal.SIGTERM)[killed % 2]
        with subprocess.Popen(arguments, cwd=folder, stderr=subprocess.DEVNULL) as process:
            checkpoints = folder / f"artifacts/c/.{command}.checkpoints"
            before = files_in(checkpoints)
            while process.poll() is None:
                time.sleep(draw.uniform(0, 0.02))
                if files_in(checkpoints) != before and draw.random() < 0.3:
                    process.send_signal(number)
                    break
            killed += process.wait() != 0
        if killed == kills:
            break
    assert killed == kills
    assert subprocess.run(arguments, cwd=folder, stderr=subprocess.DEVNULL).returncode == 0


def files_in(folder: Path) -> set[tuple[str, int]]:
    """Names and times of change; folders and files may be deleted meanwhile."""
    found = set()
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                found.add((name, (Path(root) / name).stat().st_mtime_ns))
    return found


@pytest.mark.slow
def test_whatever_kills_the_search_the_ensemble_has_the_same_bytes(
    tuned: Path, project: Path
) -> None:
    repeatedly_killed(project, "tune", 20)
    for name in RESULTS:
        path = Path("artifacts/c/tune", name)
        assert (project / path).read_bytes() == (tuned / path).read_bytes()


@pytest.mark.slow
def test_whatever_kills_the_training_the_members_have_the_same_bits(
    again: Path, tmp_path: Path
) -> None:
    write_best_settings(again / "artifacts/c/tune/best.yaml", again / "c.yaml")
    whole = Path(shutil.copytree(again, tmp_path / "whole"))
    command = [sys.executable, "-m", "onward", "train", "c.yaml"]
    assert subprocess.run(command, cwd=whole, stderr=subprocess.DEVNULL).returncode == 0

    repeatedly_killed(again, "train", 8)

    for name in ("network.pt", "metrics.json"):
        path = Path("artifacts/c/train", name)
        assert (again / path).read_bytes() == (whole / path).read_bytes()


def test_the_command_writes_the_members(again: Path) -> None:
    said = CliRunner().invoke(app, ["tune", "c.yaml", "--write"]).output
    assert "averaged in one file" in said
    config = (again / "c.yaml").read_text()
    assert "  - count: " in config
    assert section(again / "c.yaml", "train", train.Settings).members
