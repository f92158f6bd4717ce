"""What goes wrong in a search ends a trial, not the search, and costs its time."""

import json
import logging
import math
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from interrupted import KilledError, in_step, kill
from tiny_search import CONFIG, ONE_NETWORK, make, search
from torch.nn.modules.module import register_module_forward_pre_hook

from onward.artifacts.publishing import publishing
from onward.cli._best_settings import hint, write_best_settings
from onward.errors import ConfigError
from onward.network.models import Model
from onward.settings.read_yaml import read_yaml
from onward.tuning import clock as clock_module
from onward.tuning import winner
from onward.tuning.clock import Clock
from onward.tuning.comparison import Gain
from onward.tuning.journal import Journal
from onward.tuning.results import Result, Training


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("project"), CONFIG + ONE_NETWORK)


@pytest.fixture(autouse=True)
def _new_search(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    for name in ("journal.jsonl", "clock.json"):
        (project / "artifacts/c/.tune.checkpoints" / name).unlink(missing_ok=True)


def test_a_trial_that_runs_out_of_memory_is_a_failed_trial(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(module: torch.nn.Module, _: Any) -> None:
        is_wide = any(weight.shape[-1] == 16 for weight in module.parameters())
        if isinstance(module, Model) and is_wide:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")

    config = project / "c.yaml"
    config.write_text(config.read_text().replace("[4, 8]", "[16]"))
    handle = register_module_forward_pre_hook(refuse)
    found = json.loads((search(project) / "tuning.json").read_text())["trainings"]
    handle.remove()
    config.write_text(config.read_text().replace("[16]", "[4, 8]"))

    failed = {one["values"]["model.width"]: one.get("failure") for one in found}
    assert failed == {4: None, 16: "out of memory"}
    assert "trials train one by one: DefaultCPUAllocator" in caplog.text
    assert "cannot train as a batch" not in caplog.text


def test_the_time_of_a_killed_training_counts_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", {"data": "1"})
    clock = Clock(tmp_path / "clock.json")

    def kill() -> None:
        with clock.running(journal.lines):
            time.sleep(0.05)
            raise KilledError

    with pytest.raises(KilledError):
        kill()
    lost = Clock(tmp_path / "clock.json").lost(journal.lines)
    assert lost >= 0.05
    journal.add_lost(lost)
    again = Journal(tmp_path / "journal.jsonl", {"data": "1"})
    assert again.seconds == lost
    assert clock.lost(again.lines) == 0
    with clock.running(again.lines):
        pass
    again.add_results([Result(Training(0, 3, (), {}), math.inf, 0)], 1.0)
    assert clock.lost(again.lines) == 0


@pytest.mark.parametrize("has_journal", [True, False])
def test_a_new_search_pays_for_no_training_of_another(tmp_path: Path, has_journal: bool) -> None:
    path = tmp_path / "journal.jsonl"
    if has_journal:
        Journal(path, {"data": "1"})
    (tmp_path / "clock.json").write_text('{"lines": 0, "seconds": 50}')
    assert Journal(path, {"data": "2"}).clock.lost(0) == 0


def test_a_search_that_goes_on_pays_for_its_killed_training(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, {"data": "1"})
    (tmp_path / "clock.json").write_text('{"lines": 0, "seconds": 50}')
    assert Journal(path, {"data": "1"}).clock.lost(0) == 50


def test_a_kill_hides_at_most_a_tick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_module, "TICK", 0.01)
    clock = Clock(tmp_path / "clock.json")
    with clock.running(3):
        time.sleep(0.2)
        assert clock.lost(3) > 0
        assert clock.lost(4) == 0


def test_a_search_that_was_killed_has_less_time_left(project: Path) -> None:
    with pytest.raises(KilledError), in_step(1, kill):
        search(project)
    search(project)
    lines = (project / "artifacts/c/.tune.checkpoints/journal.jsonl").read_text().splitlines()
    assert "lost" in json.loads(lines[1])


def test_several_processes_are_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GROUP_WORLD_SIZE", "1")
    with pytest.raises(ConfigError, match="2 processes or devices"):
        search(project)


def test_few_validation_rows_are_refused_before_the_first_trial(tmp_path: Path) -> None:
    folder = make(tmp_path, CONFIG.replace("validation: 0.3", "validation: 0.04"))
    with pytest.raises(ConfigError, match=r"has 16 rows, too few .* Increase `validation`"):
        search(folder)
    assert not (folder / "artifacts/c/.tune.checkpoints/journal.jsonl").exists()


def test_a_change_of_the_number_of_epochs_is_said(project: Path) -> None:
    best = search(project) / "best.yaml"
    epochs = read_yaml(best)["train"]["learner"]["max_epochs"]
    config = project / "another.yaml"
    config.write_text("train:\n  learner: {max_epochs: 40}\n")
    patience = read_yaml(best)["train"]["learner"]["patience"]
    said = f", and max_epochs {epochs} in place of 40 and patience {patience} in place of auto."
    assert said in write_best_settings(best, config)
    assert ("in place of 9." in best.read_text()) == (epochs < 9)
    assert "in place of" not in write_best_settings(best, config)


def test_a_new_patience_alone_is_said(tmp_path: Path) -> None:
    with publishing(tmp_path / "tune") as work:
        (work / "best.yaml").write_text("train:\n  learner: {max_epochs: 40, patience: 8}\n")
    config = tmp_path / "c.yaml"
    config.write_text("train:\n  learner: {max_epochs: 40}\n")
    said = write_best_settings(tmp_path / "tune/best.yaml", config)
    assert ", and patience 8 in place of auto. Run" in said


def test_a_config_is_replaced_as_a_whole(tmp_path: Path) -> None:
    text = "# a comment\ntrain:\n  learner: {clip: 1.0e+2} # another\nnote: '1'\n"
    with publishing(tmp_path / "tune") as work:
        (work / "best.yaml").write_text("train:\n  learner: {patience: 8}\n")
    config, earlier = tmp_path / "c.yaml", tmp_path / "earlier.yaml"
    config.write_text(text)
    config.chmod(0o640)
    earlier.hardlink_to(config)  # as whoever has opened it
    link = tmp_path / "link.yaml"
    link.symlink_to("c.yaml")

    write_best_settings(tmp_path / "tune/best.yaml", link)

    assert earlier.read_text() == text
    assert config.read_text() == text.replace("1.0e+2}", "1.0e+2, patience: 8}")
    assert config.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()


def test_settings_that_nothing_confirms_leave_the_config_as_it_is(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(winner, "gain", lambda *_: Gain(-0.01, -0.03, 0.01))
    caplog.set_level(logging.INFO)
    config = project / "c.yaml"
    text = config.read_text()

    best = search(project) / "best.yaml"
    said = write_best_settings(best, config)

    reason = "The settings of the config stay: out of fold, others are not better."
    assert reason in caplog.text
    assert reason in " ".join(best.read_text().replace("#", "").split())
    assert read_yaml(best) == {"train": {}}
    assert "no change: the search confirmed no better settings" in said
    assert config.read_text() == text


def test_members_alone_change_no_number_of_epochs(tmp_path: Path) -> None:
    members = "[{count: 2}, {learner: {learning_rate: 0.01}}]"
    with publishing(tmp_path / "tune") as work:
        (work / "best.yaml").write_text(f"train:\n  members: {members}\n")
    config = tmp_path / "c.yaml"
    config.write_text("train:\n  learner: {max_epochs: 40}\n")
    said = write_best_settings(tmp_path / "tune/best.yaml", config)
    assert "members: 2 networks" in said
    assert "in place of" not in said
    assert read_yaml(config)["train"]["learner"] == {"max_epochs": 40}


def test_folds_in_place_of_members_and_beside_export_k_are_said(tmp_path: Path) -> None:
    with publishing(tmp_path / "tune") as work:
        (work / "best.yaml").write_text("train:\n  folds: 5\n")
    config = tmp_path / "c.yaml"
    config.write_text("train:\n  members: [{count: 2}]\nexport: {k: 2}\n")
    said = write_best_settings(tmp_path / "tune/best.yaml", config)
    assert "folds: 5 networks are trained, and averaged in one file" in said
    assert "without the members that it had" in said
    assert "one network is trained" not in said
    assert said.endswith(". Remove export.k, which is for one network. Run `dvc repro`")
    assert read_yaml(config)["train"] == {"folds": 5}


def test_members_that_are_removed_are_said(tmp_path: Path) -> None:
    with publishing(tmp_path / "tune") as work:
        (work / "best.yaml").write_text("train: {}\n")
    config = tmp_path / "c.yaml"
    config.write_text("train:\n  seed: 3\n  members: [{count: 2}]\n")
    assert "to remove train.members of " in hint(tmp_path / "tune/best.yaml", config)
    said = write_best_settings(tmp_path / "tune/best.yaml", config)
    assert "without the members that it had: one network is trained." in said
    assert read_yaml(config)["train"] == {"seed": 3}
    assert "no change" in write_best_settings(tmp_path / "tune/best.yaml", config)
    assert hint(tmp_path / "tune/best.yaml", config) == ""
