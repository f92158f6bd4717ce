"""Two processes train as one does, end together, and resume. Real processes, real signals."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.settings.config import section
from onward.stages import prepare, train
from onward.training.distributed import TIMEOUT, Share

CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: y, kind: number}
  split: {type: random, validation: 0.2, test: 0.2}
  columns:
    a: {type: numerical}
    b: {type: numerical}
train:
  network:
    embedder: {type: identity}
    model: {type: mlp, width: 8, depth: 1, dropout: DROPOUT}
    head: {type: regression}
  learner: {batch_size: 45, max_epochs: EPOCHS, patience: EPOCHS}
"""
TWO = [
    *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
    *("--local-addr", "127.0.0.1", "--nproc-per-node", "2", "-m"),
    *("onward", "train", "table.yaml"),
]
GRACE = 30.0  # seconds that torchrun gives a process after SIGTERM
SLACK = 60.0  # seconds, on a busy machine


def project(folder: Path, epochs: int, dropout: float) -> Path:
    folder.mkdir()
    config = CONFIG.replace("EPOCHS", str(epochs)).replace("DROPOUT", str(dropout))
    (folder / "table.yaml").write_text(config)
    a, b = np.random.default_rng(0).normal(size=(2, 301))
    pl.DataFrame({"a": a, "b": b, "y": a * b + a}).write_csv(folder / "table.csv")
    run_stage(prepare, folder)
    return folder


def run_stage(stage: Any, folder: Path) -> None:
    """In this process."""
    settings = section(folder / "table.yaml", stage.__name__.rpartition(".")[2], stage.Settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        stage.run(settings, folder / "artifacts" / "table")


def start(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        TWO,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


def trained(folder: Path) -> str:
    """What a training says that nothing stops."""
    run = start(folder)
    _, said = run.communicate(timeout=300)
    assert run.returncode == 0, said
    return said


def published(folder: Path) -> Path:
    return folder / "artifacts" / "table" / "train"


def losses(folder: Path) -> list[list[float]]:
    history = json.loads((published(folder) / "history.json").read_text())
    return [list(epoch.values()) for epoch in history]


@given(st.integers(1, 300), st.integers(1, 20))
def test_shares_are_all_rows_once_and_much_the_same(rows: int, ranks: int) -> None:
    shares = [Share(rows, rank, ranks) for rank in range(ranks)]
    taken = [row for share in shares for row in range(share.start, share.stop)]
    assert taken == list(range(rows))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_two_processes_learn_what_one_learns(tmp_path: Path) -> None:
    """Where nothing is drawn that is each one's own, they differ by rounding."""
    alone = project(tmp_path / "alone", epochs=3, dropout=0.0)
    together = Path(shutil.copytree(alone, tmp_path / "together"))

    run_stage(train, alone)
    said = trained(together)

    np.testing.assert_allclose(losses(together), losses(alone), rtol=1e-4)
    assert said.count("epoch 1/3") == said.count("train: 3 epochs") == 1


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose training takes some seconds, and draws."""
    return project(tmp_path_factory.mktemp("slow") / "project", epochs=150, dropout=0.2)


@pytest.fixture(scope="module")
def expected(prepared: Path) -> bytes:
    """What two processes train that nothing stops."""
    whole = Path(shutil.copytree(prepared, prepared.with_name("whole")))
    trained(whole)
    return (published(whole) / "network.pt").read_bytes()


def ranks_of(run: "subprocess.Popen[str]") -> list[psutil.Process]:
    return sorted(psutil.Process(run.pid).children(), key=lambda found: found.environ()["RANK"])


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
def test_what_ends_one_process_ends_all_and_the_next_run_goes_on(
    prepared: Path, expected: bytes, tmp_path: Path, number: signal.Signals, rank: int
) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "project"))
    run = start(folder)
    assert run.stderr is not None
    while "epoch 40/" not in run.stderr.readline():
        assert run.poll() is None
    ranks = ranks_of(run)

    ranks[rank].send_signal(number)
    since = time.monotonic()
    _, said = run.communicate(timeout=TIMEOUT.total_seconds() + GRACE + SLACK)

    assert run.returncode != 0
    assert not any(process.is_running() for process in ranks)
    assert not published(folder).exists()
    if number != signal.SIGSTOP:
        assert time.monotonic() - since < GRACE
    if number == signal.SIGTERM:
        assert "train: interrupted at step" in said
    assert "train: resumed at step" in trained(folder)
    assert (published(folder) / "network.pt").read_bytes() == expected


@pytest.mark.slow
def test_what_fails_in_the_first_process_is_said_and_no_other_ends_well(
    prepared: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "project"))
    published(folder).with_name(".train.checkpoints").write_text("no folder")

    run = start(folder)
    _, said = run.communicate(timeout=GRACE + SLACK)

    assert run.returncode != 0
    assert "for a checkpoint of" in said
    assert "train: another process of this training has ended" in said
    assert not published(folder).exists()


@pytest.mark.slow
def test_no_process_is_without_rows(tmp_path: Path) -> None:
    folder = project(tmp_path / "project", epochs=3, dropout=0.0)
    config = folder / "table.yaml"
    config.write_text(config.read_text().replace("batch_size: 45", "batch_size: 1"))

    run = start(folder)
    _, said = run.communicate(timeout=GRACE + SLACK)

    assert run.returncode != 0
    assert "train: 2 processes cannot share 1 row of a batch" in said
