"""What `onward predict` costs for a large table: beside onnxruntime, in parts, and when killed.

    python benchmarks/batch.py [--quick] [--json FILE]

A Parquet file of 30 columns in 8 row groups, and the default model for 30,000 rows of
`benchmarks/predict.py`. CPU seconds are those of a process and its children, without what the
command needs to start, which is measured on a table of 8 rows. What two processes gain means
something on two free cores only.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from predict import exported, table

GROUPS = 8  # row groups
RAW = """
import sys, time
import polars as pl
from onward import Predictor

predictor = Predictor(sys.argv[1])
feeds = [feed for _, feed in predictor.feeds(pl.read_parquet(sys.argv[2]))]
start = time.process_time()
for feed in feeds:
    predictor.session.run(predictor.outputs, feed)
print(time.process_time() - start)
"""

# every n-th row group from the i-th, with nothing of the command around it
BARE = """
import sys
import polars as pl
from onward import Predictor

predictor, groups, size = Predictor(sys.argv[1]), range(*map(int, sys.argv[3:6])), int(sys.argv[6])
table = pl.scan_parquet(sys.argv[2])
for group in groups:
    predictor(table.slice(group * size, size).collect())
"""

# a small process starts the command, since Linux counts the memory of the one that forks
WAIT = """
import json, os, subprocess, sys

process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Cost:
    """Of a process and those that it started."""

    cpu: float
    """Seconds."""
    wall: float
    """Seconds."""
    memory: float
    """MB, at the peak of the largest process."""


def cost(command: list[str]) -> Cost:
    """Run a command to its end."""
    begin = time.perf_counter()
    waiting = [sys.executable, "-c", WAIT, *command]
    done = subprocess.run(waiting, check=True, stdout=subprocess.PIPE, text=True)
    cpu, memory = json.loads(done.stdout)
    return Cost(cpu, time.perf_counter() - begin, memory)


def bare_seconds(folder: Path, size: int, jobs: int) -> float:
    """Seconds by the clock of so many processes that only read and predict."""
    begin = time.perf_counter()
    paths = [str(folder / name) for name in ("model.onnx", "rows.parquet")]
    environment = os.environ | {"POLARS_MAX_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BARE, *paths, *map(str, (first, GROUPS, jobs, size))],
            env=environment,
        )
        for first in range(jobs)
    ]
    codes = [process.wait() for process in processes]
    if any(codes):
        sys.exit("a process of the bare loop failed")
    return time.perf_counter() - begin


def predict(folder: Path, rows: str, output: str, *words: str) -> list[str]:
    """The command."""
    paths = [str(folder / name) for name in ("model.onnx", rows)]
    return [
        *(sys.executable, "-m", "onward", "predict", *paths),
        *("-o", str(folder / output), *words),
    ]


def contents(folder: Path) -> dict[str, bytes]:
    """Of all files."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def killed(folder: Path, kills: int) -> dict[str, Any]:
    """Kill a job at random times until it is done; then compare its files."""
    draw, hits = random.Random(0), 0
    command = predict(folder, "rows.parquet", "killed", "--jobs", "2")
    for _ in range(kills):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            process.wait(draw.uniform(0.5, 4))
        except subprocess.TimeoutExpired:
            process.kill()
            hits += 1
            process.wait()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    is_same = contents(folder / "killed") == contents(folder / "parts1")
    return {"kills of a running job": hits, "same bytes": is_same}


def measure(folder: Path, rows: int, kills: int) -> dict[str, Any]:
    """All figures."""
    whole = pl.concat([table()] * (rows // 5_000))
    whole.write_parquet(folder / "rows.parquet", row_group_size=len(whole) // GROUPS)
    whole.head(GROUPS).write_parquet(folder / "few.parquet", row_group_size=1)
    (folder / "model.onnx").write_bytes(exported(table(), {}))
    raw_command = [sys.executable, "-c", RAW, str(folder / "model.onnx"), f"{folder}/rows.parquet"]
    raw = float(subprocess.run(raw_command, check=True, capture_output=True, text=True).stdout)
    started = cost(predict(folder, "few.parquet", "few.parquet.out", "--format", "parquet"))
    one = cost(predict(folder, "rows.parquet", "out.parquet"))
    parts = {
        jobs: cost(predict(folder, "rows.parquet", f"parts{jobs}", "--jobs", str(jobs)))
        for jobs in (1, 2)
    }
    bare = [bare_seconds(folder, len(whole) // GROUPS, jobs) for jobs in (1, 2)]
    gain, bare_gain = parts[1].wall / parts[2].wall, bare[0] / bare[1]
    return {
        "rows": len(whole),
        "onnxruntime alone, rows per CPU second": len(whole) / raw,
        "predict, rows per CPU second": len(whole) / (one.cpu - started.cpu),
        "predict with its start, rows per CPU second": len(whole) / one.cpu,
        "predict / onnxruntime (aim 0.65)": raw / (one.cpu - started.cpu),
        "peak memory of predict, MB (aim 500)": one.memory,
        "peak memory of a process of --jobs 2, MB (aim 500)": parts[2].memory,
        "CPU of --jobs 2 / --jobs 1 (aim 1.1)": parts[2].cpu / parts[1].cpu,
        "seconds of --jobs 1 / --jobs 2": gain,
        "the same of a bare loop in processes": bare_gain,
        "gain of --jobs 2 / gain of the bare loop (aim 0.9)": gain / bare_gain,
        **killed(folder, kills),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows and kills")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = measure(Path(temporary), *((50_000, 5) if given.quick else (200_000, 20)))
    for name, value in figures.items():
        print(f"{name:<55} {value:,.2f}" if isinstance(value, float) else f"{name:<55} {value}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
