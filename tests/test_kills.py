"""A training that a signal or a full disk ended goes on where it was. Real processes, real DVC."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook

from onward.artifacts.process import signals_received
from onward.artifacts.publishing import sha256
from onward.settings.config import section
from onward.stages import train

ONWARD = [sys.executable, "-m", "onward"]
CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: sum, kind: number}
  split: {type: random, validation: 0.2, test: 0.2}
  columns: {left: {type: numerical}, right: {type: numerical}}
train:
  seed: 0
  network:
    embedder: {type: identity}
    model: {type: mlp, width: 8, depth: 1, dropout: 0.1}
    head: {type: regression}
  learner: {batch_size: 4, max_epochs: 30, patience: 30, learning_rate: 0.001}
"""
PIPELINE = f"""\
stages:
  prepare:
    cmd: {sys.executable} -m onward prepare sum.yaml
    deps: [table.csv]
    outs: [artifacts/sum/prepare]
  train:
    cmd: {sys.executable} -m onward train sum.yaml
    deps: [artifacts/sum/prepare]
    outs:
      - artifacts/sum/train/network.pt: {{persist: true}}
"""
LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
sys.argv[:] = ["onward", "train", "sum.yaml"]
runpy.run_module("onward", run_name="__main__")
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    left, right = (pl.int_range(500, eager=True).shuffle(seed) % 60 for seed in (0, 1))
    table = pl.DataFrame({"left": left, "right": right, "sum": 2 * left + right})
    table.write_csv(folder / "table.csv")
    (folder / "sum.yaml").write_text(CONFIG)
    subprocess.run([*ONWARD, "prepare", "sum.yaml"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = Path(shutil.copytree(prepared, tmp_path_factory.mktemp("whole") / "project"))
    run_here(folder)
    return published(folder)


def run_here(folder: Path) -> None:
    """The stage, in this process."""
    train.run(section(folder / "sum.yaml", "train", train.Settings), folder / "artifacts/sum")


def published(folder: Path) -> list[str]:
    names = ("network.pt", "history.json", "metrics.json")
    return [sha256(folder / "artifacts" / "sum" / "train" / name) for name in names]


def train_until(
    line: str,
    folder: Path,
    act: Callable[[int], None],
    command: tuple[str, ...] = (*ONWARD, "train", "sum.yaml"),
) -> tuple[str, int]:
    """Act when a line begins so; what the process says, and how it ends."""
    said = ""
    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        while not (now := process.stderr.readline()).startswith(line):
            assert now, f"ended early: {said}"
            said += now
        act(process.pid)
        said += process.stderr.read()
    return said, process.returncode


@pytest.mark.parametrize("part", ["config", "data", "machine"])
def test_another_run_starts_anew(
    prepared: Path, tmp_path: Path, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "project"))
    hook = register_module_forward_hook(lambda *_: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit):
        run_here(folder)
    hook.remove()
    signals_received().clear()
    threads, config = torch.get_num_threads(), folder / "sum.yaml"
    config.write_text(config.read_text().replace("max_epochs: 30", "max_epochs: 1"))
    if part == "data":
        with (folder / "artifacts/sum/prepare/manifest.json").open("a") as manifest:
            manifest.write(" ")
    elif part == "machine":
        torch.set_num_threads(threads + 1)

    try:
        run_here(folder)
    finally:
        torch.set_num_threads(threads)

    [message] = [text for text in caplog.messages if "starting over" in text]
    changed = {"data": ", prepared data", "machine": ", machine"}
    assert message.endswith(f": train.learner{changed.get(part, '')}")


@pytest.mark.slow
def test_whatever_ended_it_the_bits_are_the_same(
    prepared: Path, uninterrupted: list[str], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "project"))
    checkpoints = folder / "artifacts/sum/.train.checkpoints"

    _, killed = train_until("epoch 3/", folder, lambda pid: os.killpg(pid, signal.SIGKILL))
    said, terminated = train_until("epoch ", folder, lambda pid: os.kill(pid, signal.SIGTERM))
    before = sorted(checkpoints.iterdir())
    full = subprocess.run(
        [sys.executable, "-c", LIMITED], cwd=folder, capture_output=True, text=True
    )
    left = sorted(checkpoints.iterdir())
    done = subprocess.run(
        [*ONWARD, "train", "sum.yaml"], cwd=folder, capture_output=True, text=True
    )

    codes = [killed, terminated, full.returncode, done.returncode]
    assert codes == [-signal.SIGKILL, 128 + signal.SIGTERM, 74, 0]
    assert "train: resumed at step" in said
    assert "train: interrupted at step" in said
    assert "for a checkpoint of" in full.stderr
    assert left == before
    assert "train: resumed at step" in done.stderr
    assert published(folder) == uninterrupted
    assert not checkpoints.exists()


def stage_of(folder: Path) -> int:
    """The process that trains."""
    pid: int = json.loads((folder / "artifacts/sum/.train.lock").read_text())["pid"]
    return pid


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "whom"),
    [
        (signal.SIGTERM, "stage"),
        (signal.SIGTERM, "all"),
        (signal.SIGINT, "all"),
        (signal.SIGKILL, "dvc"),
    ],
)
def test_dvc_does_not_record_a_run_that_was_cut(
    prepared: Path, uninterrupted: list[str], tmp_path: Path, number: int, whom: str
) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "project"))
    dvc = (sys.executable, "-m", "dvc")
    subprocess.run([*dvc, "init", "--no-scm", "--quiet"], cwd=folder, check=True)
    (folder / "dvc.yaml").write_text(PIPELINE)

    def act(pid: int) -> None:
        if whom == "all":
            os.killpg(pid, number)
        else:
            os.kill(pid if whom == "dvc" else stage_of(folder), number)

    said, code = train_until("epoch 3/", folder, act, (*dvc, "repro"))
    assert code != 0
    assert "train: interrupted at step" in said
    lock = folder / "dvc.lock"
    assert "train:" not in lock.read_text()
    assert not (folder / "artifacts/sum/train").exists()

    again = subprocess.run([*dvc, "repro"], cwd=folder, capture_output=True, text=True)

    assert again.returncode == 0, again.stderr
    assert "train: resumed at step" in again.stderr
    assert published(folder) == uninterrupted
    assert "train:" in lock.read_text()
