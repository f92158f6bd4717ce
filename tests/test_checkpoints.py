"""A checkpoint is whole or not there, and only the run that wrote it goes on from it."""

import random
import subprocess
import sys
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import pytest
import torch

from onward.training.checkpoints import Checkpoints

KEY = {"config": "1", "data": "2", "code": "3"}


def state(step: int, size: int = 1000) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(step)
    return {
        "weights": {"a": torch.randn(size, generator=generator)},
        "epochs": [{"epoch": 1, "train/loss": 0.1 + step}],
        "best": {},
    }


def same(found: Any, expected: dict[str, Any]) -> bool:
    return (
        found is not None
        and torch.equal(found["weights"]["a"], expected["weights"]["a"])
        and {**found, "weights": None} == {**expected, "weights": None}
    )


def run(code: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_newest_comes_back_and_two_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "new" / "folder", KEY)
    assert checkpoints.newest() is None
    for step in (9, 10, 10, 200):
        checkpoints.save(step, state(step))
    assert same(checkpoints.newest(), state(200))
    assert len(list((tmp_path / "new" / "folder").iterdir())) == 2
    checkpoints.remove()
    assert not (tmp_path / "new" / "folder").exists()


def test_the_states_of_a_second_training_stay(tmp_path: Path) -> None:
    first = Checkpoints(tmp_path, KEY)
    again = first.of_refit("validation")
    first.save(1, state(1))
    again.save(1, state(5))
    for step in (2, 3, 4):  # its last states were not written before the second began
        first.save(step, state(step))
    assert same(again.newest(), state(5))
    assert len([path for path in tmp_path.iterdir() if path.is_file()]) == 2


def test_every_damage_is_noticed_and_the_one_before_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = Checkpoints(tmp_path, KEY)
    for step in (1, 2):
        checkpoints.save(step, state(step))
    older, newest = sorted(tmp_path.iterdir())
    data = newest.read_bytes()
    draw = random.Random(0)
    cut = [data[:size] for size in (0, 1, 64, 65, 66, *draw.sample(range(len(data)), 15))]
    flips = [(place, 0) for place in (0, 64, 65, len(data) - 1)]
    flips += [(draw.randrange(len(data)), draw.randrange(8)) for _ in range(196)]
    changed = [data[:i] + bytes([data[i] ^ (1 << bit)]) + data[i + 1 :] for i, bit in flips]

    for damaged in (*cut, *changed):
        newest.write_bytes(damaged)
        assert same(checkpoints.newest(), state(1))
        assert not newest.exists()
    assert len(caplog.records) == 220

    older.write_bytes(data[:-1])
    assert checkpoints.newest() is None


@pytest.mark.parametrize("part", KEY)
def test_that_of_another_run_is_removed_and_the_difference_named(
    tmp_path: Path, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    Checkpoints(tmp_path, KEY).save(7, state(7))
    other = Checkpoints(tmp_path, {**KEY, part: "4"})
    assert other.newest() is None
    assert f"starting over: changed since the checkpoint of step 7: {part}" in caplog.text
    assert not list(tmp_path.glob("*"))


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    class Touch:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "executed",)

    checkpoints = Checkpoints(tmp_path / "checkpoints", KEY)
    checkpoints.save(1, {"weights": Touch()})
    with pytest.raises(UnpicklingError):
        checkpoints.newest()
    assert not (tmp_path / "executed").exists()


KILL = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from onward.training.checkpoints import Checkpoints
torch.set_num_threads(1)  # OpenMP's other threads are missing in a forked process, which waits
folder, draw = Path(sys.argv[1]), random.Random(0)
checkpoints = Checkpoints(folder, {})
last, kills, longest = 0, 0, 0.06
while kills < 25 or last < 25:
    kills += 1
    assert kills < 1000, "no checkpoint is ever saved"
    child = os.fork()
    if not child:
        for step in range(last + 1, 10**9):
            checkpoints.save(step, {"step": step, "weights": torch.full((200_000,), float(step))})
    time.sleep(draw.uniform(0.0, longest))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = checkpoints.newest() or {"step": 0, "weights": torch.zeros(1)}
    assert found["step"] >= last and (found["weights"] == found["step"]).all(), (found, last)
    longest *= 1.2 if found["step"] == last else 1.0  # nothing was saved: the machine is busy
    last = found["step"]
checkpoints.save(last + 1, {})
assert len(list(folder.iterdir())) == 2, "what a killed writer leaves has to go"
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_one(tmp_path: Path) -> None:
    done = run(KILL, tmp_path / "checkpoints")
    assert done.returncode == 0, done.stderr
    assert "damaged" not in done.stderr


FULL = """
import resource, sys
from pathlib import Path
import torch
from onward.training.checkpoints import Checkpoints
checkpoints = Checkpoints(Path(sys.argv[1]), {})
checkpoints.save(1, {"weights": torch.ones(1000)})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
checkpoints.save(2, {"weights": torch.ones(100_000)})
"""


def test_one_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    done = run(FULL, tmp_path)
    assert "OSError" in done.stderr
    assert "for a checkpoint of 0.4 MB" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000000001.pt"]
    found = Checkpoints(tmp_path, {}).newest()
    assert found is not None
    assert torch.equal(found["weights"], torch.ones(1000))
