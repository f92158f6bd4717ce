"""Scores of programs on tables, kept as JSON, and their ranks."""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from projects import METRICS

from onward.tasks import Task
from onward.tasks.metrics import Predictions

TIE = 5e-4  # relative; closer than this, two programs have the same rank


@dataclass(frozen=True)
class Run:
    """The result of one program on one table with one seed."""

    table: str
    program: str
    seed: int
    score: float
    """Of the table's metric."""
    loss: float
    """Log-loss in nats, or RMSE."""
    calibration_error: float | None
    fit_s: float
    single_row_us: float | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """What was run."""
        return self.table, self.program, self.seed


class Scores:
    """Finished runs, in a file after each one, so that an interrupted benchmark goes on."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        is_there = path is not None and path.exists()
        lines = path.read_text().splitlines() if path is not None and is_there else []
        self.runs = [Run(**json.loads(line)) for line in lines]

    def has(self, *key: str | int) -> bool:
        """Whether this table, program and seed is finished."""
        return any(run.key == key for run in self.runs)

    def add(self, run: Run) -> None:
        """Keep a run, unless it was finished before."""
        if self.has(*run.key):
            return
        self.runs.append(run)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(asdict(run)) + "\n")


def measured(task: Task, metric: str, truth: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Score, loss and calibration error, as `Run` has them.

    Args:
        task: of the table.
        metric: the table's.
        truth: codes of classes, or numbers.
        predicted: probabilities ``(rows, classes)``, or values ``(rows,)``.
    """
    predictions: Predictions = {"value": predicted}
    if predicted.ndim == 2:
        predictions = {"probabilities": predicted, "label": predicted.argmax(1)}
    loss = "rmse" if task.is_number else "log_loss"
    figures: dict[str, Any] = {
        "score": task.metrics[metric.lower()](truth, predictions),
        "loss": task.metrics[loss](truth, predictions),
        "calibration_error": None,
    }
    if task.reliability is not None and not task.is_number:
        figures["calibration_error"] = task.reliability(truth, predictions)
    return figures


def tables_of(runs: Iterable[Run]) -> list[str]:
    """The tables, in the order of `METRICS`."""
    names = {run.table for run in runs}
    return [name for name in METRICS if name in names]


def complete(runs: Sequence[Run], programs: Sequence[str]) -> list[Run]:
    """The runs of these programs, on tables and with seeds that all of them have."""
    keys = {run.key for run in runs}
    return [
        run
        for run in runs
        if run.program in programs
        and all((run.table, program, run.seed) in keys for program in programs)
    ]


def mean(runs: Iterable[Run], table: str, program: str, figure: str) -> float:
    """Over the seeds; NaN where a program has no such figure."""
    values = [getattr(run, figure) for run in runs if run.table == table and run.program == program]
    return statistics.fmean(values) if values and None not in values else math.nan


def ranks(scores: Mapping[str, float], metric: str) -> dict[str, float]:
    """1 is best; programs as good as each other share the mean of their ranks."""
    sign = -1 if metric == "RMSE" else 1
    better = {
        program: sum(sign * (other - own) > TIE * abs(own) for other in scores.values())
        for program, own in scores.items()
    }
    same = {
        program: sum(math.isclose(other, own, rel_tol=TIE) for other in scores.values())
        for program, own in scores.items()
    }
    return {program: better[program] + (same[program] + 1) / 2 for program in scores}


def ranked_table(runs: Sequence[Run], programs: Sequence[str]) -> list[str]:
    """Mean scores as a Markdown table that ends with mean ranks."""
    tables = tables_of(runs)
    lines = [f"| table | metric | {' | '.join(programs)} |", "|---" * (2 + len(programs)) + "|"]
    rank_lists: dict[str, list[float]] = {program: [] for program in programs}
    for table in tables:
        metric = METRICS[table]
        scores = {program: mean(runs, table, program, "score") for program in programs}
        digits = 0 if max(scores.values()) > 100 else 4
        shown = " | ".join(f"{value:,.{digits}f}" for value in scores.values())
        lines.append(f"| {table} | {metric} | {shown} |")
        for program, rank in ranks(scores, metric).items():
            rank_lists[program].append(rank)
    mean_ranks = " | ".join(f"{statistics.fmean(rank_lists[program]):.2f}" for program in programs)
    return [*lines, f"| mean rank | | {mean_ranks} |"]


def wins(runs: Sequence[Run], program: str, rival: str) -> str:
    """On how many tables a program is better than another."""
    tables = tables_of(runs)
    pairs = [
        ranks({who: mean(runs, table, who, "score") for who in (program, rival)}, METRICS[table])
        for table in tables
    ]
    count = sum(pair[program] < pair[rival] for pair in pairs)
    return f"{program} is better than {rival} on {count} of {len(tables)} tables"
