"""Does a training that was killed end with the same bits as one that was not?

    python benchmarks/resume.py [--quick] [--json FILE]

`onward train` on the data of the package, with dropout, so that order and draws both matter. Half
of the trials kill it by SIGKILL to the process group, half by SIGTERM; twice at random moments
between the end of the first epoch and what comes after the last, or at once if the moment has
passed. The third run may end. Compared are the hashes of network.pt, history.json and metrics.json
with those of a run that nothing stopped. Processes are forked from one that has imported torch,
which takes longer than the training.
"""

import argparse
import json
import math
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path

from onward.__main__ import main as main_of_onward
from onward.artifacts.publishing import sha256

CONFIG = """\
prepare:
  source: {type: csv, path: kernels.csv}
  target: {name: runtime_us, kind: number}
  split: {type: random, validation: 0.15, test: 0.15}
  columns:
    operation: {type: categorical}
    dtype: {type: categorical}
    rows: {type: numerical}
    columns: {type: numerical}
    input_bytes: {type: numerical}
train:
  seed: 0
  network:
    embedder: {type: piecewise_linear, bins: 8}
    model: {type: mlp, width: 32, dropout: 0.1}
    head: {type: regression, logarithm: true}
  learner: {batch_size: 64, max_epochs: EPOCHS, patience: EPOCHS}
"""
EPOCHS = 20  # of 109 steps, which are two chunks
KILLS = 2  # in a trial
AT_ONCE = 2  # trials
HASHED = ("network.pt", "history.json", "metrics.json")
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
STARTER = multiprocessing.get_context("forkserver")


@dataclass
class Trial:
    """What happened to a training that was killed and started again until it ended."""

    signal: str
    codes: list[int] = field(default_factory=list)
    """Exit codes of its runs."""
    resumed: list[int] = field(default_factory=list)
    """The steps at which its runs went on."""
    is_identical: bool = False


class Run:
    """`onward train` in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.log.write_text("")
        self.process = STARTER.Process(target=train, args=(folder,))
        self.process.start()

    def wait_for(self, epoch: int) -> None:
        """Return when it says that it has come so far, or has ended."""
        while self.process.is_alive() and epoch > max(self.epochs(), default=0):
            time.sleep(0.002)

    def epochs(self) -> list[int]:
        """Those that it has done, and the one that it has resumed in."""
        return [int(number) for number in re.findall(r"epoch (\d+)", self.log.read_text())]

    def kill(self, number: signal.Signals) -> None:
        """The group, or for a signal that can be heard the process."""
        if self.process.is_alive() and self.process.pid:
            (os.killpg if number == signal.SIGKILL else os.kill)(self.process.pid, number)

    def end(self) -> int:
        """Its exit code, as a shell counts, and so DVC."""
        self.process.join()
        code = self.process.exitcode or 0
        return code if code >= 0 else 128 - code


def train(folder: Path) -> None:
    """What a process does: the command, as from a terminal."""
    os.setsid()
    os.chdir(folder)
    log = os.open("log", os.O_WRONLY | os.O_APPEND)
    os.dup2(log, sys.stderr.fileno())
    sys.argv = ["onward", "train", "config.yaml"]
    main_of_onward()


def hashes(folder: Path) -> list[str]:
    """Of what was published."""
    return [sha256(folder / "artifacts" / "config" / "train" / name) for name in HASHED]


def prepare(folder: Path) -> None:
    """Make a folder in which training can start."""
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIG.replace("EPOCHS", str(EPOCHS)))
    table = files("onward") / "datasets" / "kernels" / "kernels.csv"
    (folder / "kernels.csv").write_bytes(table.read_bytes())
    command = [sys.executable, "-m", "onward", "prepare", "config.yaml"]
    subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL)


def uninterrupted(folder: Path) -> float:
    """Train to the end, and say how many seconds an epoch takes."""
    run = Run(folder)
    run.wait_for(1)
    started = time.perf_counter()
    run.wait_for(EPOCHS)
    seconds = time.perf_counter() - started
    if code := run.end():
        raise RuntimeError(f"exit code {code}: {run.log.read_text()}")
    return seconds / (EPOCHS - 1)


def tried(folder: Path, number: signal.Signals, moments: list[float], epoch_s: float) -> Trial:
    """Train, and kill it at each of the moments, counted in epochs."""
    trial = Trial(number.name)
    while not trial.codes or trial.codes[-1]:
        run = Run(folder)
        if len(trial.codes) < len(moments):
            fraction, epoch = math.modf(moments[len(trial.codes)])
            run.wait_for(int(epoch))
            time.sleep(fraction * epoch_s)
            run.kill(number)
        trial.codes.append(run.end())
        said = run.log.read_text()
        trial.resumed += map(int, re.findall(r"resumed at step (\d+)", said))
        if trial.codes[-1] not in (0, 128 + number):
            raise RuntimeError(f"exit code {trial.codes[-1]}: {said}")
    return trial


def measured(trials: int) -> tuple[list[Trial], float]:
    """As many trials with each signal, and the seconds that an epoch takes."""
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(AT_ONCE) as pool:
        whole = Path(name) / "whole"
        prepare(whole)
        bare = Path(shutil.copytree(whole, Path(name) / "bare"))
        beside = Path(shutil.copytree(whole, Path(name) / "beside"))
        epoch_s = max(pool.map(uninterrupted, (whole, beside)))

        def trial(place: int, moments: list[float]) -> Trial:
            folder = Path(shutil.copytree(bare, Path(name) / f"trial {place}"))
            found = tried(folder, SIGNALS[place % len(SIGNALS)], moments, epoch_s)
            found.is_identical = hashes(folder) == hashes(whole)
            return found

        count = len(SIGNALS) * trials
        moments = [[draw.uniform(1, EPOCHS + 1) for _ in range(KILLS)] for _ in range(count)]
        return list(pool.map(trial, range(count), moments)), epoch_s


def main() -> None:
    """Kill, compare, print."""
    STARTER.set_forkserver_preload(["onward.stages.train", "lightning"])
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="3 trials with each signal, not 20")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    trials, epoch_s = measured(3 if arguments.quick else 20)
    print(f"{EPOCHS} epochs of {epoch_s:.2f} s")
    for number in SIGNALS:
        mine = [trial for trial in trials if trial.signal == number.name]
        cut = [code for trial in mine for code in trial.codes if code]
        resumed = sum(len(trial.resumed) for trial in mine)
        identical = sum(trial.is_identical for trial in mine)
        print(
            f"{number.name}: {identical} of {len(mine)} bit-identical; {len(cut)} runs cut,"
            f" with the codes {sorted(set(cut))}; {resumed} of them had a checkpoint"
        )
    if arguments.json:
        figures = {"epoch_s": epoch_s, "trials": [asdict(trial) for trial in trials]}
        arguments.json.write_text(json.dumps(figures, indent=1))
    sys.exit(not all(trial.is_identical for trial in trials))


if __name__ == "__main__":
    main()
