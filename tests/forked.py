"""`onward` in processes of its own, forked from one that has imported what takes seconds."""

import multiprocessing
import os
import runpy
import sys
import time
from pathlib import Path
from tempfile import mkstemp

from onward.__main__ import main

STARTER = multiprocessing.get_context("forkserver")
STARTER.set_forkserver_preload(
    ["onward.stages.train", "onward.stages.export", "onward.stages.evaluate"]
)
LONGEST = 120  # seconds


class Run:
    """A command that runs in a folder; it ends with the tests at the latest."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        file, name = mkstemp(prefix=".", suffix=".stderr", dir=folder)
        os.close(file)
        self._log = Path(name)
        self._process = STARTER.Process(
            target=_run, args=(folder, arguments, self._log), daemon=True
        )
        self._process.start()

    @property
    def stderr(self) -> str:
        """What it has said so far."""
        return self._log.read_text()

    @property
    def returncode(self) -> int:
        """Wait for its end; as `subprocess` has it, so below zero is a signal."""
        self._process.join(timeout=LONGEST)
        if self._process.exitcode is None:
            self._process.kill()
            raise TimeoutError(self.stderr)
        return self._process.exitcode

    @property
    def seconds(self) -> float:
        """Processor time that it took to its end."""
        return float(self._log.with_suffix(".seconds").read_text())

    def wait_for(self, words: str) -> None:
        """Return when it has said them."""
        started = time.monotonic()
        while words not in self.stderr:
            assert self._process.is_alive(), self.stderr
            assert time.monotonic() - started < LONGEST, self.stderr
            time.sleep(0.01)

    def send_signal(self, number: int) -> None:
        """To the process alone."""
        assert self._process.pid
        os.kill(self._process.pid, number)


def onward(folder: Path, *arguments: str) -> Run:
    """Run the command to its end."""
    run = Run(folder, *arguments)
    assert run.returncode is not None
    return run


def printed(file: Path, script: Path, *arguments: str) -> str:
    """What a script prints, by way of a file that does not exist."""
    process = STARTER.Process(target=_print, args=(file, script, arguments), daemon=True)
    process.start()
    process.join(timeout=LONGEST)
    assert process.exitcode == 0
    return file.read_text(encoding="utf-8")


def _print(file: Path, script: Path, arguments: tuple[str, ...]) -> None:
    os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), sys.stdout.fileno())
    sys.argv = [str(script), *arguments]
    try:
        runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.stdout.flush()


def _run(folder: Path, arguments: tuple[str, ...], log: Path) -> None:
    os.chdir(folder)
    os.dup2(os.open(log, os.O_WRONLY), sys.stderr.fileno())
    sys.argv = ["onward", *arguments]
    try:
        main()
    finally:
        log.with_suffix(".seconds").write_text(str(time.process_time()))
