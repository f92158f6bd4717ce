"""No network is trained that takes longer for one row than the config allows."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import onnx
import pytest
from interrupted import KilledError, in_step, kill
from tiny_search import CONFIG, enter_copy, make, search, space

from onward.artifacts.prepared import Prepared
from onward.errors import ConfigError
from onward.export.joining import join_graphs
from onward.network.bag import load_network
from onward.settings.config import section
from onward.stages import train, tune
from onward.training.default_settings import Table, complete
from onward.training.run import TrainingData
from onward.training.settings import Settings
from onward.tuning.points import SobolPoints
from onward.tuning.results import Result
from onward.tuning.sampler import Sampler
from onward.tuning.space import Values


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("project"))


@pytest.fixture
def project(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter_copy(prepared, tmp_path, monkeypatch)


class Widths:
    """Takes the widths of all networks for microseconds; times of this machine differ."""

    def __init__(self) -> None:
        self.measured: list[int] = []

    def time(self, settings: Settings) -> float:
        model: Any = settings.network.model
        self.measured.append(model.width * settings.folds)
        return float(self.measured[-1])


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Widths:
    watch = Widths()
    monkeypatch.setattr(tune, "Stopwatch", lambda *_: watch.time)
    return watch


def limit(project: Path, microseconds: int, widths: str = "[4, 8, 16, 32, 64]") -> None:
    lines = f"  latency_us: {microseconds}\n  space:"
    config = CONFIG.replace("  space:", lines).replace("[4, 8]", widths)
    (project / "c.yaml").write_text(config)


def trainings(project: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((search(project) / "tuning.json").read_text())[
        "trainings"
    ]
    return found


def test_shapes_that_are_not_feasible_are_drawn_again() -> None:
    def is_feasible(values: Values) -> bool:
        return bool(values["model.width"] <= 128)

    limits = ((), (is_feasible,))
    free, limited = (Sampler(SobolPoints(space(), 0, *limit), 3) for limit in limits)
    first = free.following([], 10)
    assert limited.following([], 10) == first
    done = [Result(first[0], 1.0, 1)]
    every, few = (
        [one.values["model.width"] for one in sampler.following(done, 10)]
        for sampler in (free, limited)
    )
    assert max(every) > 128
    assert max(few) <= 128
    assert [few[i] for i in range(9) if every[i] <= 128] == [w for w in every if w <= 128]


def test_only_fast_networks_are_trained(project: Path, stopwatch: Widths) -> None:
    limit(project, 10)
    widths = [one["values"]["model.width"] for one in trainings(project)]
    assert max(widths) <= 10
    document = json.loads((project / "artifacts/c/tune/tuning.json").read_text())
    assert document["folds"] == {"refusal": "they take too long for one row"}
    assert max(stopwatch.measured) > 10
    assert len(stopwatch.measured) == len(set(stopwatch.measured)), "a shape was measured twice"


def test_a_search_that_was_killed_measures_nothing_again(
    project: Path, prepared: Path, tmp_path: Path, stopwatch: Widths
) -> None:
    limit(project, 10)
    whole = Path(shutil.copytree(project, tmp_path / "whole"))
    trainings(whole)
    known = sorted(stopwatch.measured)
    stopwatch.measured.clear()

    with pytest.raises(KilledError), in_step(80, kill):  # after trial 0
        search(project)
    search(project)

    assert sorted(stopwatch.measured) == known
    for name in ("best.yaml", "tuning.json"):
        found = (project / "artifacts/c/tune" / name).read_bytes()
        assert found == (whole / "artifacts/c/tune" / name).read_bytes()


def test_settings_of_the_config_that_are_too_slow_lose(
    project: Path, stopwatch: Widths, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    limit(project, 3, "[2, 8]")
    first, *others = trainings(project)
    assert first["failure"] == "takes 4 µs for one row"
    assert {one["values"]["model.width"] for one in others} == {2}
    text = " ".join((project / "artifacts/c/tune/best.yaml").read_text().replace("#", "").split())
    assert "with the settings of the config takes 4 µs for one row." in text
    assert "only networks that take at most 3 µs for one row" in caplog.text


def test_a_limit_that_no_network_meets_is_refused(project: Path, stopwatch: Widths) -> None:
    limit(project, 1)
    config = (project / "c.yaml").read_text()
    (project / "c.yaml").write_text(config.replace("trials: 5", "minutes: 60"))
    with pytest.raises(ConfigError, match=r"the fastest of .* shapes takes 4"):
        search(project)


@pytest.mark.parametrize("folds", [1, 2])
def test_the_untrained_file_has_the_operators_of_the_trained_one(project: Path, folds: int) -> None:
    out, config = project / "artifacts/c", project / "c.yaml"
    config.write_text(config.read_text().replace("\ntrain:", f"\ntrain:\n  folds: {folds}"))
    given = section(project / "c.yaml", "train", train.Settings)
    train.run(given, out)
    rows = Prepared(out / "prepare")
    data, settings = TrainingData.load(rows), complete(given, Table.of(rows))
    network = load_network((out / "train/network.pt").read_bytes()).eval()
    trained = join_graphs(onnx.load_from_string(rows.preprocessing()), network, [])
    measure = tune.Stopwatch(rows, data)
    untrained = measure.file(settings)
    assert [n.op_type for n in untrained.graph.node] == [n.op_type for n in trained.graph.node]
    assert 1 < measure(settings) < 1e6
