"""One writer at a time, and exit codes that say what ended a run. Real processes, real signals."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from onward.artifacts.process import (
    end_if_asked,
    end_with_parent,
    lock,
    signals_received,
    signals_wait,
)
from onward.errors import LockedError

HOLD = """
import sys, time
from pathlib import Path
from onward.artifacts.process import end_with_parent, end_with_signals, lock
end_with_signals()
{before}
with lock(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""


def holder(folder: Path, before: str = "") -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HOLD.format(before=before), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def end(process: "subprocess.Popen[str]", number: int) -> int:
    process.send_signal(number)
    process.communicate(timeout=20)
    return process.returncode


def test_the_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    process = holder(tmp_path / "train")
    with (
        pytest.raises(LockedError, match=rf"in use by process {process.pid} on .* since 20"),
        lock(tmp_path / "train"),
    ):
        pass
    end(process, signal.SIGKILL)
    with lock(tmp_path / "train"):
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_with_their_code(tmp_path: Path, number: int) -> None:
    assert end(holder(tmp_path / "train"), number) == 128 + number


@pytest.mark.parametrize(
    ("numbers", "last", "waits", "code"),
    [
        ((signal.SIGTERM, signal.SIGTERM), end_if_asked, True, 143),  # the second: its parent ended
        ((signal.SIGINT,), tuple, True, 130),
        ((signal.SIGINT, signal.SIGINT), tuple, False, 130),
        ((signal.SIGTERM,), sys.exit, True, 143),  # as Lightning does, with the code 0
    ],
)
def test_signals_wait_until_it_suits(
    numbers: tuple[int, ...], last: Callable[[], object], waits: bool, code: int
) -> None:
    before, reached = signal.getsignal(signal.SIGTERM), []

    def work() -> None:
        with signals_wait():
            for number in numbers:
                signal.raise_signal(number)
            reached.append("the end")
            last()

    with pytest.raises(SystemExit) as ended:
        work()
    signals_received().clear()
    assert ended.value.code == code
    assert bool(reached) == waits
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent")
def test_a_stage_ends_with_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])",
            HOLD.format(before="import os; print(os.getpid(), flush=True); end_with_parent()"),
            str(tmp_path / "train"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert parent.stdout.readline() == "ready\n"
    end(parent, signal.SIGKILL)
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the child is still there")


ORPHAN = """
import os, subprocess, sys
child = "import time; time.sleep(1); from onward.artifacts.process import end_with_parent"
child += "; end_with_parent(); time.sleep(60)"
process = subprocess.Popen([sys.executable, "-c", child])
print(process.pid, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent")
def test_a_stage_ends_whose_parent_died_before_it_looked() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True, check=True
    )
    child = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child is still there")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent")
def test_a_fork_of_a_process_that_has_imported_this_is_no_orphan() -> None:
    # as in resume.py, whose runs are forks of one that has imported torch
    forked = multiprocessing.get_context("fork").Process(target=end_with_parent)
    forked.start()
    forked.join(60)
    assert forked.exitcode == 0


@pytest.mark.parametrize("call", ["sys.exit()", "sys.exit(0)", "raise typer.Exit"])
def test_a_stage_that_is_asked_to_exit_is_not_done(tmp_path: Path, call: str) -> None:
    (tmp_path / "plugin.py").write_text(
        "import sys, typer\nfrom onward.stages import report\n"
        f"def run(*_):\n    {call}\nreport.run = run\n"
    )
    (tmp_path / "c.yaml").write_text("plugins: [plugin]\nreport: {}\n")
    done = subprocess.run(
        [sys.executable, "-m", "onward", "report", "c.yaml"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(tmp_path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78, done.stderr
    assert "asked to exit before the stage was done" in done.stderr


@pytest.mark.parametrize(
    ("cause", "code", "said"),
    [
        ("numpy.empty(1 << 50)", 71, "Unable to allocate"),
        ("torch.empty(1 << 50)", 71, "can't allocate memory"),
        ("os.posix_fallocate(os.open('f', os.O_RDWR | os.O_CREAT), 0, 1 << 62)", 74, "disk"),
        ("os.mkdir('cannot allocate memory/out of memory')", 74, "disk"),
        ("mmap.mmap(-1, 1 << 62)", 71, "Cannot allocate memory"),
        ("builtins.exec('raise OSError(\"no more (os error 12)\")')", 71, "no more"),
        ("polars.scan_csv('bad allocation').collect()", 74, "bad allocation"),
    ],
)
def test_a_lack_of_memory_or_of_disk_is_no_bug(
    tmp_path: Path, cause: str, code: int, said: str
) -> None:
    """None of these can be had on any machine."""
    lines = ["import onward.__main__ as command", f"import {cause.split('.')[0]}"]
    lines += [f"command.app = lambda: {cause}", "command.main()"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert ("more memory" in done.stderr) == (code == 71)
    assert "Traceback" not in done.stderr
