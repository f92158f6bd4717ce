"""Does a training that was killed end with the same bits as one that was not?

    python benchmarks/resume.py [--quick] [--json FILE]

`onward train` on the data of the package, with dropout, so that order and draws both matter. Each
trial kills it twice at random moments, if it has not ended by then, and lets the third run end:
half of the trials by SIGKILL to the process group, half by SIGTERM. Compared are the hashes of
network.pt, history.json and metrics.json with those of a run that nothing stopped. Moments lie
between the first and the last line of a run: before nothing is trained, then all is published.
"""

import argparse
import json
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

from onward.files import sha256

CONFIG = """\
prepare:
  source: {type: csv, path: kernels.csv}
  target: {name: runtime_us, kind: number}
  split: {type: random, validation: 0.15, test: 0.15}
  columns:
    - {type: categorical, name: operation}
    - {type: categorical, name: dtype}
    - {type: numerical, name: rows}
    - {type: numerical, name: columns}
    - {type: numerical, name: input_bytes}
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


@dataclass
class Trial:
    """What happened to a training that was killed and started again until it ended."""

    signal: str
    codes: list[int] = field(default_factory=list)
    """Exit codes of its runs."""
    resumed: list[int] = field(default_factory=list)
    """The steps at which its runs went on."""
    is_identical: bool = False


class Project:
    """A folder in which training can start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self) -> "subprocess.Popen[str]":
        """Train, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "onward", "train", "config.yaml"],
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def hashes(self) -> list[str]:
        """Of what was published."""
        return [sha256(self.folder / "artifacts" / "config" / "train" / name) for name in HASHED]


def prepared(folder: Path) -> Project:
    """A project whose data is prepared."""
    (folder / "config.yaml").write_text(CONFIG.replace("EPOCHS", str(EPOCHS)))
    table = files("onward") / "datasets" / "kernels" / "kernels.csv"
    (folder / "kernels.csv").write_bytes(table.read_bytes())
    command = [sys.executable, "-m", "onward", "prepare", "config.yaml"]
    subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return Project(folder)


def uninterrupted(project: Project) -> float:
    """Train to the end, and say how many seconds lie between the first and the last line."""
    process = project.start()
    assert process.stderr is not None
    times = [time.perf_counter() for _ in process.stderr]
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, "onward train")
    return times[-1] - times[0]


def tried(project: Project, number: signal.Signals, moments: list[float]) -> Trial:
    """Train, and kill it at each of the moments."""
    trial = Trial(number.name)
    while not trial.codes or trial.codes[-1]:
        process = project.start()
        assert process.stderr is not None
        first = process.stderr.readline()
        if len(trial.codes) < len(moments):
            time.sleep(moments[len(trial.codes)])
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        rest = process.communicate()[1]
        trial.resumed += map(int, re.findall(r"resumed at step (\d+)", first))
        # Python's own end is by the signal: a shell, and so DVC, counts that as 128 + its number
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        trial.codes.append(code)
        if code not in (0, 128 + number):
            raise RuntimeError(f"exit code {code}: {first}{rest}")
    return trial


def measured(trials: int) -> tuple[list[Trial], float]:
    """As many trials with each signal, and the seconds of one that nothing stops."""
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        first = Path(name) / "uninterrupted"
        first.mkdir()
        project = prepared(first)
        # beside another, as the trials are
        other = Project(Path(shutil.copytree(first, Path(name) / "other")))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            seconds = max(pool.map(uninterrupted, (project, other)))
        expected = project.hashes()

        def trial(place: int, moments: list[float]) -> Trial:
            folder = Path(name) / f"trial {place}"
            ignored = shutil.ignore_patterns("train", ".train*")
            mine = Project(Path(shutil.copytree(first, folder, ignore=ignored)))
            found = tried(mine, SIGNALS[place % 2], moments)
            found.is_identical = mine.hashes() == expected
            return found

        moments = [[draw.uniform(0, seconds) for _ in range(KILLS)] for _ in range(2 * trials)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(trial, range(2 * trials), moments)), seconds


def main() -> None:
    """Kill, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="3 trials with each signal, not 20")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    trials, seconds = measured(3 if arguments.quick else 20)
    print(f"uninterrupted: {seconds:.1f} s from the first to the last line, {EPOCHS} epochs")
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
        figures = {"seconds": seconds, "trials": [asdict(trial) for trial in trials]}
        arguments.json.write_text(json.dumps(figures, indent=1))
    sys.exit(not all(trial.is_identical for trial in trials))


if __name__ == "__main__":
    main()
