"""How accurate the default settings are, beside boosted trees and a linear model with theirs.

    python benchmarks/accuracy.py [--data FOLDER] [--tables A,B] [--seeds N] [--rows N] [--quick]
        [--json FILE]

Each table is read as a user would: `onward init`, `onward prepare`, `train` and `export`, with the
split that comes with the table; a tenth of its training rows, drawn by the seed, is for validation
(a fifth of fewer than 5,000). The others see the same columns of the same rows, see `rivals.py`.
`--rows` draws as many training and validation rows, and as many test rows, from larger tables.

Needs lightgbm and catboost (`--group benchmarks`), and the tables: a folder for each, with the
table, `meta.json` and `split.csv.gz`.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from projects import DATA, METRICS, onward, write_project
from rivals import RIVALS, Table
from scores import Run, Scores, complete, mean, measured, ranked_table, tables_of, wins

from onward import Predictor
from onward.artifacts.prepared import Prepared
from onward.tasks.metrics import Predictions

SINGLES = 200  # calls with one row
ONWARD = "onward"


def values_of(predictions: Predictions) -> np.ndarray:
    """Probabilities or values."""
    return predictions["probabilities" if "probabilities" in predictions else "value"]


def single_row_us(predict: Callable[[Any], object], rows: list[Any]) -> float:
    """Median of calls with one row, in microseconds."""
    took = []
    for call in range(SINGLES):
        row = rows[call % len(rows)]
        started = time.perf_counter()
        predict(row)
        took.append(time.perf_counter() - started)
    return statistics.median(took[SINGLES // 10 :]) * 1e6


def onward_run(name: str, seed: int, config: Path, folder: Path) -> tuple[Run, Table]:
    """Our result, and the rows for the others."""
    started = time.perf_counter()
    for stage in ("prepare", "train", "export"):
        onward(folder, stage, str(config.relative_to(folder)))
    fit_s = time.perf_counter() - started
    artifacts = folder / "artifacts" / name
    table = Table(Prepared(artifacts / "prepare"))
    test, truth = table.splits["test"].select(table.columns), table.targets("test")
    predictor = Predictor(artifacts / "export" / "model.onnx")
    predicted = values_of(predictor(test.to_dict(as_series=False)))
    singles = [[row] for row in test.head(SINGLES).to_dicts()]
    figures = measured(table.task, METRICS[name], truth, predicted)
    took = single_row_us(predictor, singles)
    return Run(name, ONWARD, seed, **figures, fit_s=fit_s, single_row_us=took), table


def rival_run(program: str, name: str, seed: int, table: Table) -> Run:
    """The result of another program."""
    started = time.perf_counter()
    fitted = RIVALS[program](table, seed)
    fit_s = time.perf_counter() - started
    test = table.splits["test"]
    figures = measured(
        table.task, METRICS[name], table.targets("test"), fitted.predict(fitted.read(test))
    )
    singles = [fitted.read(test[[row]]) for row in range(min(len(test), SINGLES))]
    took = single_row_us(fitted.predict, singles)
    return Run(name, program, seed, **figures, fit_s=fit_s, single_row_us=took)


def runs_of(name: str, seed: int, data: Path, rows: int | None) -> Iterator[Run]:
    """All programs on one table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        config = write_project(name, data, folder, seed, rows)
        run, table = onward_run(name, seed, config, folder)
        yield run
        for program in RIVALS:
            yield rival_run(program, name, seed, table)


def report(scores: Scores) -> str:
    """The means as a Markdown table, then ranks, times and wins."""
    programs = [ONWARD, *RIVALS]
    runs = complete(scores.runs, programs)
    lines = ranked_table(runs, programs)
    for figure, what, unit in (("fit_s", "fit", "s"), ("single_row_us", "one row", "µs")):
        for name, summary in (("median", statistics.median), ("worst", max)):
            of_programs = (
                summary([mean(runs, table, program, figure) for table in tables_of(runs)])
                for program in programs
            )
            cells = " | ".join(f"{value:,.0f}" for value in of_programs)
            lines.append(f"| {what}, {name} | {unit} | {cells} |")
    return "\n".join([*lines, "", *(wins(runs, ONWARD, rival) for rival in RIVALS)])


def main() -> None:
    """Run all, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="where the tables are")
    parser.add_argument("--tables", default=",".join(METRICS), help="some of them, with commas")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0")
    parser.add_argument("--rows", type=int, help="most rows for training and for testing")
    parser.add_argument("--quick", action="store_true", help="three small tables, one seed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures; go on there")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(f"{arguments.data}: no such folder. Name the one with the tables by --data")
    tables = ["penguins", "titanic", "telco_churn"] if arguments.quick else None
    tables = tables or arguments.tables.split(",")
    scores = Scores(arguments.json)
    print(f"{len(tables)} tables, {os.cpu_count()} cores")
    for seed in range(1 if arguments.quick else arguments.seeds):
        for table in tables:
            if all(scores.has(table, program, seed) for program in (ONWARD, *RIVALS)):
                continue
            for run in runs_of(table, seed, arguments.data, arguments.rows):
                scores.add(run)
                took = f"{run.fit_s:.0f} s"
                print(f"{table}, seed {seed}: {run.program}: {run.score:.5g} ({took})", flush=True)
    print(report(scores))


if __name__ == "__main__":
    main()
