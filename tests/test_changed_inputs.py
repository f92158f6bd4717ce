"""A stage that is run by hand says that the prepared rows are older than config or table."""

import json
import logging
import os
import shutil
from pathlib import Path

import pytest
from tiny_search import CONFIG, make

from onward.cli import _stage
from onward.cli._changed_inputs import changed_inputs
from onward.cli._stage import run_stage

NEW = "onward prepare c.yaml, or dvc repro"
OUT = Path("artifacts/c")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("project"))


@pytest.fixture(autouse=True)
def _project(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(prepared, tmp_path / "project"))  # with the times of change


def append(line: str, seconds: float = 10.0) -> None:
    """To the table, which so was written some seconds after the rows."""
    table, rows = Path("table.csv"), OUT / "prepare/manifest.json"
    table.write_text(table.read_text() + line)
    time = rows.stat().st_mtime + seconds
    os.utime(table, (time, time))


def test_nothing_is_said_of_rows_of_this_config_and_table() -> None:
    Path("c.yaml").write_text(f"# a comment\n{CONFIG}".replace("max_epochs: 9", "max_epochs: 1"))
    append("")
    assert changed_inputs(Path("c.yaml"), OUT) == []
    assert changed_inputs(Path("c.yaml"), Path("artifacts/other")) == []


def test_a_stage_names_what_has_changed(caplog: pytest.LogCaptureFixture) -> None:
    short = CONFIG.replace("max_epochs: 9", "max_epochs: 1")
    Path("c.yaml").write_text(short.replace("validation: 0.3", "validation: 0.2"))
    append("1.0,2.0,3.0\n")
    with caplog.at_level(logging.WARNING):
        run_stage("train", Path("c.yaml"))
    [message] = [line for line in caplog.messages if "prepared rows" in line]
    assert "a change of the section prepare of c.yaml and table.csv." in message
    assert message.endswith(NEW)
    assert (OUT / "train/network.pt").exists()
    caplog.clear()
    run_stage("prepare", Path("c.yaml"))
    assert "prepared rows" not in caplog.text
    assert changed_inputs(Path("c.yaml"), OUT) == []


def test_in_a_pipeline_and_in_other_processes_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Path("c.yaml").write_text(CONFIG.replace("max_epochs: 9", "max_epochs: 1"))
    append("1.0,2.0,3.0\n")
    with monkeypatch.context() as patch:
        patch.setenv("DVC_STAGE", "train@c")
        run_stage("train", Path("c.yaml"))
    monkeypatch.setattr(_stage, "is_first", lambda: False)
    run_stage("train", Path("c.yaml"))
    assert "prepared rows" not in caplog.text


def test_a_section_that_is_invalid_now_has_changed() -> None:
    Path("c.yaml").write_text(CONFIG.replace("kind: number", "kind: nonsense"))
    assert changed_inputs(Path("c.yaml"), OUT) == ["the section prepare of c.yaml"]


def test_rows_of_an_earlier_version_have_the_defaults_of_what_it_did_not_know() -> None:
    path = OUT / "prepare/manifest.json"
    notes = json.loads(path.read_text())
    del notes["settings"]["columns"]["a"]["missing"]
    path.write_text(json.dumps(notes))
    assert changed_inputs(Path("c.yaml"), OUT) == []
    notes["settings"]["columns"]["a"]["type"] = "gone"
    path.write_text(json.dumps(notes))
    assert changed_inputs(Path("c.yaml"), OUT) == []


def test_without_the_table_the_rows_count() -> None:
    Path("table.csv").unlink()
    assert changed_inputs(Path("c.yaml"), OUT) == []
