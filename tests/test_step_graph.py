"""A step that no CUDA graph can hold goes on kernel by kernel; a lost rank ends the others."""

import logging
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from onward.evaluation.retraining import shares_of_machine, visible_devices
from onward.training import distributed
from onward.training.deadline import await_progress
from onward.training.distributed import DEVICE_WORK, available, layout
from onward.training.step_graph import StepGraph, module_of

CPU = torch.device("cpu")


class Waiting(nn.Module):
    """A loss that looks at a value, as a plug-in might."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum().item() > 0 else x


def refuse(step: Callable[[], None]) -> None:
    """What CUDA does when a capture meets `Waiting`."""
    loss = Waiting()
    loss.register_forward_hook(lambda *_: step())
    loss(torch.ones(1))
    raise RuntimeError("operation not permitted when stream is capturing")


def test_a_step_that_cannot_be_captured_runs_anew(caplog: pytest.LogCaptureFixture) -> None:
    done: list[float] = []

    def restart() -> None:
        done.clear()

    graph = StepGraph(lambda: done.append(torch.rand(()).item()), restart, CPU)
    graph(7)
    expected = done.copy()

    with caplog.at_level(logging.WARNING):
        graph._attempt(refuse, graph._step, 7)

    assert done == expected
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "cannot be part of a CUDA graph" in caplog.text
    assert "operation not permitted" in caplog.text


def test_the_module_is_named() -> None:
    class Refusing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            inverse: Tensor = torch.linalg.inv(x)
            return inverse

    with pytest.raises(RuntimeError) as raised:
        nn.Sequential(nn.Linear(2, 2), Refusing())(torch.zeros(3, 2))
    assert module_of(raised.value).endswith("test_the_module_is_named.<locals>.Refusing")
    assert module_of(RuntimeError()) == "the loss or its gradient"


def ended(statement: str) -> "subprocess.CompletedProcess[str]":
    lines = "import time; from onward.training.deadline import *"
    return subprocess.run(
        [sys.executable, "-c", f"{lines}\n{statement}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "statement",
    [
        "with Deadline(0.1): time.sleep(50)",
        "await_progress(lambda: False, lambda: 1, 0.1)",
        "await_progress(lambda: False, lambda: time.sleep(50), 0.1)",
    ],
)
def test_who_waits_for_a_lost_rank_ends(statement: str) -> None:
    done = ended(statement)
    assert done.returncode == 69
    assert "another process of this training has ended" in done.stderr
    assert "resume from the last checkpoint" in done.stderr


def test_progress_postpones_the_end() -> None:
    done = ended(
        "until = time.monotonic() + 1\n"
        "await_progress(lambda: time.monotonic() > until, lambda: time.monotonic_ns(), 0.4)\n"
        "with Deadline(0.2): pass\n"
        "time.sleep(0.4)"
    )
    assert done.returncode == 0, done.stderr


def test_waiting_ends_when_it_is_done() -> None:
    started = time.monotonic()
    await_progress(lambda: True, lambda: 0, 60)
    assert time.monotonic() - started < 60


def test_torchrun_decides_how_many_take_part(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("TORCHELASTIC_RUN_ID", "none"),
        ("LOCAL_WORLD_SIZE", "4"),
        ("GROUP_WORLD_SIZE", "2"),
    ):
        monkeypatch.setenv(name, value)
    assert layout(1) == available()
    assert available().ranks == 8


def test_a_cpu_is_one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "_chosen", [])
    assert layout(DEVICE_WORK * 100).ranks == max(1, torch.cuda.device_count())


@pytest.mark.parametrize("work", [DEVICE_WORK // 2, DEVICE_WORK * 2])
def test_the_first_training_decides_for_all(monkeypatch: pytest.MonkeyPatch, work: int) -> None:
    monkeypatch.setattr(distributed, "_chosen", [])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    first = layout(work)
    assert first.devices == max(1, work // DEVICE_WORK)
    assert layout(DEVICE_WORK * 2) == layout(1) == first


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        (["0", "1", "2", "3"], ["0,2", "1,3"]),
        (["GPU-a"], ["GPU-a", "GPU-a"]),
        ([], [None, None]),
    ],
)
def test_children_share_the_devices(devices: list[str], expected: list[str | None]) -> None:
    shares = shares_of_machine(2, {"OMP_NUM_THREADS": "3"}, devices)
    assert [share.get("CUDA_VISIBLE_DEVICES") for share in shares] == expected
    assert {share["OMP_NUM_THREADS"] for share in shares} == {"3"}


def test_a_variable_hides_devices() -> None:
    assert visible_devices({"CUDA_VISIBLE_DEVICES": ""}) == []
    assert visible_devices({"CUDA_VISIBLE_DEVICES": "2,GPU-b"}) == ["2", "GPU-b"]


@pytest.mark.gpu
def test_a_loss_that_waits_trains_on_cuda(caplog: pytest.LogCaptureFixture) -> None:
    device = torch.device("cuda", 0)
    loss, weight = Waiting(), torch.ones(4, device=device)
    graph = StepGraph(lambda: weight.copy_(loss(weight)), lambda: None, device)  # type: ignore[arg-type]
    for seed in range(6):
        graph(seed)
    assert weight.tolist() == [64.0] * 4
    assert "test_step_graph.Waiting cannot be part of a CUDA graph" in caplog.text
