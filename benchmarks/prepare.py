"""How fast a table is prepared, and in how much memory, beside scikit-learn's ColumnTransformer.

    python benchmarks/prepare.py [--quick] [--json FILE]

The table is a CSV file of 15 numbers, 12 categories, 2 dates and 1 boolean, and a target. Both read
it, split it, learn from the training rows and write arrays; each is a process of its own, in turn.
`onward prepare` also checks the file, writes the raw rows of each split and a data report.
The ColumnTransformer (SimpleImputer, StandardScaler, pandas for the calendar) makes numbers of the
same kinds. Of categories it makes codes, as ours does for embeddings, or a number for each value,
which is what the networks of scikit-learn can read.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import polars as pl

CHUNK = 100_000  # rows made at once
NUMBERS = [f"number {place}" for place in range(15)]
CATEGORIES = [f"category {place}" for place in range(12)]
DATES = ["ordered", "paid"]

SCIKIT_LEARN = f"""
import numpy as np, pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

def circle(value, period):
    angle = 2 * np.pi * value / period
    return [np.cos(angle), np.sin(angle)]

def calendar(table):
    features = []
    for name in table:
        when = pd.to_datetime(table[name], format="ISO8601", utc=True)
        day = when.dt
        features += [day.year, when.astype("int64") / 1e9]
        features += circle(day.month, 12) + circle(day.day, 31)
        features += circle(day.hour, 24) + circle(day.dayofweek, 7)
    return np.stack(features, 1)

table = pd.read_csv("table.csv")
scale = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
dates = make_pipeline(FunctionTransformer(calendar), StandardScaler())
transformer = ColumnTransformer([
    ("numbers", scale, {NUMBERS}),
    ("codes", ENCODER, {[*CATEGORIES, "is_new"]}),
    ("dates", dates, {DATES}),
])
train, rest = train_test_split(table, test_size=0.3, random_state=0)
validation, test = train_test_split(rest, test_size=0.5, random_state=0)
transformer.fit(train)
for name, rows in (("train", train), ("validation", validation), ("test", test)):
    np.save(f"sklearn.{{name}}.npy", transformer.transform(rows).astype("float32"))
    np.save(f"sklearn.{{name}}.target.npy", rows["target"].to_numpy())
"""
ENCODERS = {
    "codes": "OrdinalEncoder(handle_unknown='use_encoded_value', unknown_value=-1)",
    "one-hot": "OneHotEncoder(handle_unknown='ignore', sparse_output=False, dtype='float32')",
}


def config() -> str:
    """Every column with its type."""
    types = {
        **dict.fromkeys(NUMBERS, "numerical"),
        **dict.fromkeys(CATEGORIES, "categorical"),
        **dict.fromkeys(DATES, "datetime"),
        "is_new": "boolean",
    }
    lines = "".join(f"    {name}: {{type: {type_}}}\n" for name, type_ in types.items())
    return (
        "prepare:\n  source: {type: csv, path: table.csv}\n"
        "  target: {name: target, kind: number}\n"
        f"  split: {{type: random, validation: 0.15, test: 0.15}}\n  columns:\n{lines}"
    )


def write_table(path: Path, rows: int) -> None:
    """A CSV file, a chunk at a time."""
    draw = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, rows, CHUNK):
            size = min(CHUNK, rows - start)
            seconds = pl.Series(draw.integers(1_600_000_000, 1_700_000_000, size))
            table = pl.DataFrame(
                {
                    **{name: draw.normal(100, 15, size).round(3) for name in NUMBERS},
                    **{
                        name: pl.Series(draw.integers(0, 2 + 6 * place, size))
                        .cast(pl.String)
                        .str.replace("^", "value ")
                        for place, name in enumerate(CATEGORIES)
                    },
                    "ordered": pl.from_epoch(seconds).dt.strftime("%FT%TZ"),
                    "paid": pl.from_epoch(seconds + 86_400).dt.strftime("%F"),
                    "is_new": draw.integers(0, 2, size),
                    "target": draw.normal(size=size),
                }
            )
            is_missing = pl.Series(draw.random(size) < 0.02)
            table = table.with_columns(
                pl.when(is_missing).then(None).otherwise(pl.col(NUMBERS[0])).alias(NUMBERS[0])
            )
            table.write_csv(file, include_header=start == 0)


@dataclass(frozen=True)
class Run:
    """What one process took."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def measured(command: list[str], folder: Path, **variables: str) -> Run:
    """Run it with these environment variables, and ask the system what it took."""
    started = time.perf_counter()
    # polars tells its children, too, how to keep memory; they are to start as from a terminal
    environment = {k: v for k, v in os.environ.items() if k != "_RJEM_MALLOC_CONF"} | variables
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command[:4])
    cpu = usage.ru_utime + usage.ru_stime
    return Run(time.perf_counter() - started, cpu, usage.ru_maxrss / 1024)


def median(runs: list[Run]) -> Run:
    """Of each figure."""
    names = [field.name for field in fields(Run)]
    return Run(*(statistics.median(getattr(run, name) for run in runs) for name in names))


def main() -> None:
    """Run both in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="100,000 rows, one round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    rows, rounds = (100_000, 1) if arguments.quick else (1_000_000, 3)
    programs = {
        "onward prepare": [sys.executable, "-m", "onward", "prepare", "config.yaml"],
        **{
            f"scikit-learn, {name}": [
                *(sys.executable, "-W", "ignore", "-c"),
                SCIKIT_LEARN.replace("ENCODER", encoder),
            ]
            for name, encoder in ENCODERS.items()
        },
    }
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(config())
        write_table(folder / "table.csv", rows)
        size = (folder / "table.csv").stat().st_size / 2**20
        print(f"{rows:,} rows x 30 columns, {size:,.0f} MB of CSV, {os.cpu_count()} cores")
        for _ in range(rounds):
            for program, command in programs.items():
                runs[program].append(measured(command, folder))
        arrays = (folder / "artifacts" / "config" / "prepare").glob("*.npy")
        written = sum(path.stat().st_size for path in arrays) / 2**20
    found = {program: median(some) for program, some in runs.items()}
    for program, run in found.items():
        speed = rows / run.seconds
        print(f"{program:>21}: {run.seconds:6.1f} s {speed:>11,.0f} rows/s {run.peak_mb:>7,.0f} MB")
    ours, *others = found.values()
    for name, run in zip(ENCODERS, others, strict=True):
        print(f"{run.seconds / ours.seconds:.1f} times as fast as scikit-learn with {name}")
    print(
        f"peak memory is {ours.peak_mb / written:.2f} times the {written:,.0f} MB of arrays written"
    )
    if arguments.json:
        figures = {program: vars(run) for program, run in found.items()}
        arguments.json.write_text(json.dumps({"rows": rows, "arrays_mb": written, **figures}))


if __name__ == "__main__":
    main()
