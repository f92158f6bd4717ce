"""False alarms, power and cost of `onward monitor`, by simulation and on tables in their order.

    python benchmarks/monitor.py [year|power|estimate|slices|tables|cost ...] [--data DIR]

`year`: 365 daily windows of 20 columns that do not drift; days differ in several ways, or do not.
`power`: one column of 20 moves by 0.3 standard deviations, at once or after four weeks; 1 % of rows
get an unseen category.
`estimate`: how often the interval of the quality without labels holds the truth, where the rows are
others (covariate shift). `slices`: false alarms and power of the loss in slices, with all labels.
`tables`: taxis and Airbnb in their order and shuffled; DIR has a folder for each. `cost`: CPU time
and memory of 1,000,000 rows of 30 columns.
"""

import argparse
import itertools
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from daily_windows import (
    COLUMNS,
    Days,
    bins_apart,
    neighbours,
    outliers,
    weekends,
    windows,
)

from onward.monitoring.bins import QUANTILES, Bins, frequent_bins, quantile_bins
from onward.monitoring.effects import BLOCKS, spread_of_blocks
from onward.monitoring.estimation import Correction
from onward.monitoring.judging import Comparison, breach_states, compare, states
from onward.monitoring.predictions import Scores
from onward.monitoring.profile import Distribution
from onward.monitoring.quality import MARGIN, SUPPORT
from onward.monitoring.slices import Slice, slices
from onward.monitoring.tally import WindowCounts

Array = np.ndarray

SIZES = (500, 5_000, 50_000)
SEED = 7_000  # not one that the rule was chosen with
YEARS = 40


KINDS: dict[str, Callable[[int], Days]] = {
    "alike": lambda rows: Days(rows, 0.0),
    "tilted, w 0.05": lambda rows: Days(rows, 0.05),
    "tilted, w 0.1": lambda rows: Days(rows, 0.1),
    "each bin by itself, w 0.1": lambda rows: Days(rows, 0.1, bins_apart),
    "weekends alike, w 0.1": lambda rows: Days(rows, 0.1, weekends),
    "outliers, w 0.1": lambda rows: Days(rows, 0.1, outliers),
    "neighbours alike, w 0.1": lambda rows: Days(rows, 0.1, neighbours),
    "tilted, w 0.1, 18 days in a block": lambda rows: Days(rows, 0.1, of_block=18),
}
"""How days differ, by number of rows; the rule was chosen with the tilts."""


def year(_: Path) -> None:
    """Days with an alarm, of 365."""
    print(f"days with a column in drift, of 365 (mean and largest of {YEARS} years)")
    for name, kind in KINDS.items():
        for rows in SIZES:
            alarms = []
            for repeat in range(YEARS):
                found = windows(kind(rows), 365, SEED + repeat)
                alarms.append(sum("drift" in day for day in zip(*found.values(), strict=True)))
            print(f"  days {name}, {rows:6} rows: {np.mean(alarms):5.2f} {max(alarms)}")


def power(_: Path) -> None:
    """Drift of one column, and of unseen categories, in two windows."""
    print("share of 200 repeats in which the column is in drift in the second window of the shift")
    for spread, rows, quiet in itertools.product((0.0, 0.05, 0.1), SIZES[:2], (0, 28)):
        repeats = [
            windows(Days(rows, spread), quiet + 2, SEED + repeat, 0.3, quiet)["0"][-1]
            for repeat in range(200)
        ]
        share = np.mean([state == "drift" for state in repeats])
        print(
            f"  0.3 sd after {quiet:2} days that differ by w {spread:4}, {rows:6} rows: {share:.3f}"
        )
    draw = np.random.default_rng(SEED)
    counts = draw.binomial(5_000, 0.01, (200, 2))
    found = [breach_states("unseen", pair, [5_000] * 2, (0, 3_000))[1] for pair in counts.tolist()]
    print(
        f"  1 % unseen, 5,000 rows: named {np.mean(counts.min(1) > 0):.3f}, in drift"
        f" {np.mean([state == 'drift' for state in found]):.3f}"
    )


def estimate(_folder: Path) -> None:
    """Rows of a shifted distribution, all of them new each time."""
    print("share of 500 windows of 1,000 rows whose truth is in the interval, by shift of a column")
    for name, make in (("accuracy", classified), ("mean absolute error", measured)):
        draw = np.random.default_rng(SEED)
        for shift in (0.0, 0.5, 1.0, 2.0):
            held = []
            for _ in range(500):
                known, outcome = make(draw, 3_000, 0.0)  # as many test rows as a table of 20,000
                correction = Correction.learn(known, outcome)
                scores, outcome = make(draw, 1_000, shift)
                [sums] = correction.sums(scores, np.zeros(1_000, np.int64), 1)
                found = correction.estimate(sums)
                if found.support >= SUPPORT[scores.name]:
                    held.append(found.lower <= outcome.mean() <= found.upper)
            share = f"{np.mean(held):.3f}" if held else "none"
            print(f"  {name}, shift {shift} sd: {share} of {len(held)} estimates")


def labelled(draw: np.random.Generator, rows: int, worse: float) -> Array:
    """Rows, sum and sum of squares of the log-loss by bin of each column, ``(columns, bins, 3)``.

    The probabilities are calibrated, but too sure in the first bin of the first column if ``worse``
    is not 0.
    """
    bins = draw.integers(0, QUANTILES, (COLUMNS, rows))
    odds = draw.normal(-1, 1.5, rows)
    came = draw.random(rows) < 1 / (1 + np.exp(-odds * (1 - worse * (bins[0] == 0))))
    loss = np.log1p(np.exp(np.where(came, -odds, odds)))
    flat = np.arange(COLUMNS)[:, None] * QUANTILES + bins
    parts = (np.ones(rows), loss, loss**2)
    sums = [
        np.bincount(flat.ravel(), np.tile(values, COLUMNS), COLUMNS * QUANTILES) for values in parts
    ]
    return np.stack(sums, axis=1).reshape(COLUMNS, QUANTILES, 3)


def slice_states(rows: int, days: int, worse: float, seed: int) -> list[Slice]:
    """All tested slices of daily windows; the test set has 3,000 rows."""
    draw = np.random.default_rng(seed)
    test = labelled(draw, 3_000, 0.0)
    count, total, squares = np.moveaxis(test, -1, 0)
    mean = total / count
    known = np.stack([count, mean, np.sqrt(squares / count - mean**2)], axis=-1)
    even = {"edges": [*range(QUANTILES - 2)], "counts": [1] * QUANTILES, "spread": 0.0}
    columns = {
        str(c): Distribution(str(c), {**even, "losses": known[c].tolist()}) for c in range(COLUMNS)
    }
    windows = []
    for _ in range(days):
        sums = labelled(draw, rows, worse)
        losses = {str(c): sums[c] for c in range(COLUMNS)}
        windows.append(WindowCounts(rows=rows, labelled=rows, losses=losses))
    spread = np.sqrt(squares[0].sum() / 3_000 - (total[0].sum() / 3_000) ** 2)
    return slices(columns, windows, [True] * days, MARGIN * spread)


def slice_alarms(_: Path) -> None:
    """Days with a slice in drift, and whether a slice is found."""
    print("days with a slice of 200 in drift, of 365 (mean and largest), nothing is worse")
    for rows, days, repeats in ((500, 365, 8), (5_000, 365, 8), (50_000, 30, 40)):
        alarms = []
        for repeat in range(repeats):
            of_slices = [part.states for part in slice_states(rows, days, 0.0, SEED + repeat)]
            alarms.append(365 / days * sum("drift" in day for day in zip(*of_slices, strict=True)))
        print(f"  {rows:6} rows: {np.mean(alarms):5.2f} {max(alarms):.0f}")
    print("share of 100 repeats in which the slice is in drift in the second window, others too")
    for rows in SIZES[:2]:
        for worse in (0.5, 1.0):
            hits = others = 0
            for repeat in range(100):
                found = slice_states(rows, 2, worse, SEED + repeat)
                drift = {(p.column, p.name) for p in found if p.states[-1] == "drift"}
                hits += ("0", "below 0") in drift
                others += bool(drift - {("0", "below 0")})
            print(
                f"  log-odds of a tenth of the rows {1 - worse:.0%} right, {rows:5} rows:", end=""
            )
            print(f" {hits / 100:.2f}; {others / 100:.2f}")


def classified(draw: np.random.Generator, rows: int, shift: float) -> tuple[Scores, Array]:
    """Two classes by two columns, of which the model knows one and is too sure."""
    x, hidden = draw.normal(np.array([[shift], [0.0]]), 1, (2, rows))
    truth = draw.random(rows) < 1 / (1 + np.exp(-(x + 0.5 * hidden - 0.5)))
    probability = 1 / (1 + np.exp(-1.6 * (x - 0.4)))
    certainty = np.maximum(probability, 1 - probability)
    right = (probability > 0.5) == truth
    return Scores("accuracy", certainty, probability), right.astype(float)


def measured(draw: np.random.Generator, rows: int, shift: float) -> tuple[Scores, Array]:
    """A number whose noise grows with it."""
    x = draw.normal(shift, 1, rows)
    error = np.abs(draw.normal(size=rows)) * np.exp(0.5 * x)
    return Scores("mae", np.zeros(rows), x + 0.1 * draw.normal(size=rows)), error


def tables(data: Path) -> None:
    """Windows of 500 rows of the second half, compared with the first half."""
    print(
        "windows with a column in drift, in their order and shuffled; columns in drift at the end"
    )
    for name, file, time in (
        ("taxis", "taxis.csv.gz", "pickup"),
        ("nyc_airbnb", "AB_NYC_2019.csv.gz", "last_review"),
    ):
        path = data / name / file
        table = pl.read_csv(path, infer_schema_length=None, ignore_errors=True)
        table = table.drop_nulls(time).sort(time).drop(time, "dropoff", "id", "name", strict=False)
        shuffled = table.sample(fraction=1.0, shuffle=True, seed=SEED)
        for how, rows in (("in order", table), ("shuffled", shuffled)):
            found = states({c: column_comparison(rows[c]) for c in rows.columns})
            days = [*zip(*(judgement.states for judgement in found.values()), strict=True)]
            last = [c for c, judgement in found.items() if judgement.states[-1] == "drift"]
            alarms = sum("drift" in day for day in days)
            print(f"  {name} {how}: {alarms} of {len(days)} windows; {', '.join(last) or 'none'}")


def column_comparison(values: pl.Series) -> Comparison:
    """The windows of the second half, compared with the first."""
    half, size = len(values) // 2, 500
    bins: Bins
    if values.dtype.is_numeric():
        numbers = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
        bins = quantile_bins(numbers[:half])
        found = bins.indices(numbers)
    else:
        texts = values.cast(pl.String)
        counted = texts.head(half).drop_nulls().value_counts().iter_rows()
        bins = frequent_bins(dict(counted))
        found = bins.indices(texts.to_list())
    blocks = counts_of(found[:half], np.arange(half) * BLOCKS // half, BLOCKS, bins.size)
    later = found[half : half + (len(values) - half) // size * size]
    number = len(later) // size
    parts = counts_of(later, np.arange(len(later)) // size, number, bins.size)
    return compare(parts.astype(float), blocks.sum(0).astype(float), spread_of_blocks(blocks))


def counts_of(found: Array, group: Array, groups: int, size: int) -> Array:
    """Rows of each group in each bin."""
    return np.bincount(group * size + found, minlength=groups * size).reshape(groups, size)


CONFIG = """\
prepare:
  source: {type: parquet, path: table.parquet}
  target: {name: y, kind: number}
  split: {type: random, validation: 0.2, test: 0.2}
  columns:
%s
train:
  network: {embedder: {type: identity}, model: {type: linear}, head: {type: regression}}
  learner: {max_epochs: 1}
export: {}
"""


def cost(_: Path) -> None:
    """CPU seconds and memory of the process, and of one that only imports the libraries."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        numbers, texts = [f"n{k}" for k in range(20)], [f"t{k}" for k in range(10)]
        lines = [f"    {n}: {{type: numerical}}" for n in numbers]
        lines += [f"    {t}: {{type: categorical}}" for t in texts]
        (folder / "big.yaml").write_text(CONFIG % "\n".join(lines))
        rows(20_000, 0, numbers, texts).write_parquet(folder / "table.parquet")
        for stage in ("prepare", "train", "export"):
            run(folder, stage, "big.yaml")
        model = "artifacts/big/export/model.onnx"
        code = (
            "import sys; from pathlib import Path; import polars as pl;"
            "from onward.serving.predictor import Predictor;"
            "from onward.serving.model_file import identity;"
            "table = pl.read_parquet('log.parquet'); p = Predictor(sys.argv[1])(table);"
            "at = pl.Series([k * 86_400_000 // 35_000 for k in range(len(table))]);"
            "table.with_columns(at.cast(pl.Datetime('ms')).alias('onward/time'),"
            " pl.lit(identity(Path(sys.argv[1]).read_bytes())).alias('onward/version'),"
            " *(pl.Series(n, v) for n, v in p.items())).write_parquet('log.parquet')"
        )
        rows(1_000_000, 1, numbers, texts).drop("y").write_parquet(folder / "log.parquet")
        subprocess.run([sys.executable, "-c", code, model], cwd=folder, check=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = run(folder, "monitor", model, "log.parquet", "-o", "monitor.json")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"1,000,000 rows x 30 columns: {seconds:.1f} CPU s; {process}")


# `ru_maxrss` would count the memory of this benchmark, which its children share before exec
MEASURED = """
import re, sys
from onward.__main__ import main
try:
    main()
except SystemExit as end:
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())
    print(f"{int(peak[1]) / 1024:.0f} MB at most, exit code {end.code or 0}")
"""


def run(folder: Path, *words: str) -> str:
    """The last line that a command prints."""
    command = [sys.executable, "-c", MEASURED, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if "exit code 0" not in done.stdout and "exit code 3" not in done.stdout:
        sys.exit(done.stderr)
    return done.stdout.splitlines()[-1]


def rows(number: int, seed: int, numbers: list[str], texts: list[str]) -> pl.DataFrame:
    """Numbers of several distributions, and categories of five to fifty values."""
    draw = np.random.default_rng(seed)
    table: dict[str, object] = {
        name: np.exp(draw.normal(0, 1, number)) if k % 2 else draw.normal(0, 1, number)
        for k, name in enumerate(numbers)
    }
    for k, name in enumerate(texts):
        values = [f"value {n}" for n in range(5 * (k + 1))]
        table[name] = pl.Series(values).gather(draw.integers(0, len(values), number))
    return pl.DataFrame(table | {"y": draw.normal(0, 1, number)})


PARTS: dict[str, Callable[[Path], None]] = {
    "year": year,
    "power": power,
    "estimate": estimate,
    "slices": slice_alarms,
    "tables": tables,
    "cost": cost,
}


def main() -> None:
    """Run the parts that are asked for, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=PARTS)
    parser.add_argument("--data", type=Path, default=Path("data"))
    given = parser.parse_args()
    for name in given.parts or PARTS:
        PARTS[name](given.data)


if __name__ == "__main__":
    main()
