"""`onward` in processes of its own, forked from one that has imported what takes seconds."""

import multiprocessing
import os
import sys
from pathlib import Path
from tempfile import mkstemp

from onward.__main__ import main

STARTER = multiprocessing.get_context("forkserver")
STARTER.set_forkserver_preload(["lightning", "onward.stages.prepare"])


class Run:
    """A command that runs in a folder."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        file, name = mkstemp(prefix=".", suffix=".stderr", dir=folder)
        os.close(file)
        self._log = Path(name)
        self.process = STARTER.Process(target=_run, args=(folder, arguments, self._log))
        self.process.start()

    @property
    def stderr(self) -> str:
        """What it has said so far."""
        return self._log.read_text()

    @property
    def returncode(self) -> int:
        """Wait for its end; as `subprocess` has it, so below zero is a signal."""
        self.process.join(timeout=120)
        if self.process.exitcode is None:
            self.process.kill()
            raise TimeoutError(self.stderr)
        return self.process.exitcode


def onward(folder: Path, *arguments: str) -> Run:
    """Run the command to its end."""
    run = Run(folder, *arguments)
    run.process.join(timeout=120)
    return run


def _run(folder: Path, arguments: tuple[str, ...], log: Path) -> None:
    os.chdir(folder)
    os.dup2(os.open(log, os.O_WRONLY), sys.stderr.fileno())
    sys.argv = ["onward", *arguments]
    main()
