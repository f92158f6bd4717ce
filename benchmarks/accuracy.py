"""How accurate the default settings are, beside gradient-boosted trees with theirs.

    python benchmarks/accuracy.py [--data FOLDER] [--tables A,B] [--seeds N] [--quick] [--json FILE]

Each table is read as a user would: `onward init`, `onward prepare`, `train` and `export`, with the
split that comes with the table; a tenth of its training rows, drawn by the seed, is for validation
(a fifth of fewer than 5,000). The trees see the same columns of the same rows: numbers, categories
as such, dates as seconds, year, month, day, weekday and hour. LightGBM and CatBoost with default
settings need no validation rows and learn from these, too; LightGBM with early stopping stops
after 100 rounds without gain, of at most 5,000.

Needs lightgbm and catboost (`--group benchmarks`), and the tables: a folder for each, with the
table, `meta.json` and `split.csv.gz`.
"""

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from projects import DATA, METRICS, onward, write_project

from onward import Predictor
from onward.artifacts.prepared import Prepared
from onward.evaluation.baselines import targets_of
from onward.preprocessing.columns import moments, semantic_type
from onward.schema import Field, Schema
from onward.tasks import usual_task
from onward.tasks.metrics import Predictions

SINGLES = 200  # calls with one row
TIE = 5e-4  # relative; closer than this, two programs have the same rank

Predict = Callable[[pl.DataFrame], np.ndarray]
"""Raw rows to probabilities ``(rows, classes)``, or values ``(rows,)``."""


@dataclass(frozen=True)
class Run:
    """What one program made of one table with one seed."""

    table: str
    program: str
    seed: int
    score: float
    fit_s: float
    single_row_us: float


def values_of(predictions: Predictions) -> np.ndarray:
    """Probabilities or values."""
    return predictions["probabilities" if "probabilities" in predictions else "value"]


def score(metric: str, truth: np.ndarray, predicted: np.ndarray) -> float:
    """As scikit-learn has it."""
    from sklearn.metrics import accuracy_score, r2_score, roc_auc_score, root_mean_squared_error

    if metric == "AUC":
        return float(roc_auc_score(truth, predicted[:, 1]))
    if metric == "accuracy":
        return float(accuracy_score(truth, predicted.argmax(1)))
    if metric == "RMSE":
        return float(root_mean_squared_error(truth, predicted))
    return float(r2_score(truth, predicted))


def single_row_us(predict: Callable[[Any], object], rows: list[Any]) -> float:
    """Median of calls with one row, in microseconds."""
    took = []
    for place in range(SINGLES):
        row = rows[place % len(rows)]
        started = time.perf_counter()
        predict(row)
        took.append(time.perf_counter() - started)
    return statistics.median(took[SINGLES // 10 :]) * 1e6


def frame_of(schema: Schema, rows: pl.DataFrame) -> Any:
    """Raw rows as trees read them."""
    columns = [part for field in schema.columns for part in columns_of(field, rows[field.name])]
    frame = pl.DataFrame(columns).to_pandas()
    frame.columns = [str(place) for place in range(len(columns))]  # LightGBM refuses some names
    return frame


def columns_of(field: Field, values: pl.Series) -> list[pl.Series]:
    """A column as it is, or what a date consists of."""
    if semantic_type(field) == "category":
        return [values.cast(pl.String).fill_null("missing")]
    if field.type != "datetime":
        return [values.cast(pl.Float64)]
    found, name = moments(field, values), field.name
    parts = {
        "seconds": found.dt.epoch("s"),
        "year": found.dt.year(),
        "month": found.dt.month(),
        "day": found.dt.day(),
        "weekday": found.dt.weekday(),
        "hour": found.dt.hour(),
    }
    return [part.cast(pl.Float64).alias(f"{name}: {what}") for what, part in parts.items()]


class Trees:
    """What the tree libraries share: the table with its categories by name."""

    def __init__(self, schema: Schema, splits: dict[str, pl.DataFrame]) -> None:
        self.schema = schema
        self.frames = {name: frame_of(schema, rows) for name, rows in splits.items()}
        self.targets = {
            name: targets_of(usual_task(schema.target), rows) for name, rows in splits.items()
        }
        first = self.frames["train"]
        self.categories = [name for name in first if first[name].dtype.kind not in "fiu"]
        self.is_number = schema.target.kind == "number"

    def all_training(self) -> tuple[Any, np.ndarray]:
        """Training and validation rows."""
        import pandas as pd

        frames = [self.frames[name] for name in ("train", "validation")]
        targets = [self.targets[name] for name in ("train", "validation")]
        return pd.concat(frames, ignore_index=True), np.concatenate(targets)


def lightgbm(trees: Trees, seed: int, *, stops: bool) -> Callable[[Any], np.ndarray]:
    """Defaults, or early stopping on the validation rows."""
    import lightgbm as lgb

    known = {
        name: trees.all_training()[0][name].astype("category").dtype for name in trees.categories
    }
    member = lgb.LGBMRegressor if trees.is_number else lgb.LGBMClassifier
    rounds: dict[str, Any] = {"n_estimators": 5_000} if stops else {}
    model = member(random_state=seed, verbosity=-1, **rounds)
    if stops:
        frame, target = trees.frames["train"], trees.targets["train"]
        held_out = (trees.frames["validation"].astype(known), trees.targets["validation"])
        stop = lgb.early_stopping(100, verbose=False)
        model.fit(frame.astype(known), target, eval_set=[held_out], callbacks=[stop])
    else:
        frame, target = trees.all_training()
        model.fit(frame.astype(known), target)
    ask: Any = model.predict if trees.is_number else model.predict_proba
    return lambda frame: ask(frame.astype(known))


def catboost(trees: Trees, seed: int) -> Callable[[Any], np.ndarray]:
    """Defaults."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    member = CatBoostRegressor if trees.is_number else CatBoostClassifier
    model = member(random_seed=seed, verbose=0, allow_writing_files=False)
    model.fit(*trees.all_training(), cat_features=trees.categories)
    ask: Callable[[Any], np.ndarray] = model.predict if trees.is_number else model.predict_proba
    return ask


RIVALS: dict[str, Callable[[Trees, int], Callable[[Any], np.ndarray]]] = {
    "LightGBM": lambda trees, seed: lightgbm(trees, seed, stops=False),
    "LightGBM, early stopping": lambda trees, seed: lightgbm(trees, seed, stops=True),
    "CatBoost": catboost,
}


def runs_of(name: str, seed: int, data: Path) -> list[Run]:
    """All programs on one table."""
    metric = METRICS[name]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        config = write_project(name, data, folder, seed)
        started = time.perf_counter()
        for stage in ("prepare", "train", "export"):
            onward(folder, stage, str(config.relative_to(folder)))
        fit_s = time.perf_counter() - started
        artifacts = folder / "artifacts" / name
        prepared = Prepared(artifacts / "prepare")
        schema = prepared.schema()
        splits = {part: prepared.rows(part).collect() for part in ("train", "validation", "test")}
        test, truth = splits["test"], targets_of(usual_task(schema.target), splits["test"])
        columns = [field.name for field in schema.columns]
        predictor = Predictor(artifacts / "export" / "model.onnx")
        predicted = values_of(predictor(test.select(columns).to_dict(as_series=False)))
        singles = [[row] for row in test.select(columns).head(SINGLES).to_dicts()]
        took = single_row_us(predictor, singles)
        runs = [Run(name, "onward", seed, score(metric, truth, predicted), fit_s, took)]
    trees = Trees(schema, splits)
    for program, fit in RIVALS.items():
        started = time.perf_counter()
        predict = fit(trees, seed)
        fit_s = time.perf_counter() - started
        found = score(metric, truth, predict(trees.frames["test"]))
        singles = [trees.frames["test"].iloc[[place]] for place in range(min(len(truth), SINGLES))]
        runs.append(Run(name, program, seed, found, fit_s, single_row_us(predict, singles)))
    return runs


def mean(runs: list[Run], table: str, program: str, figure: str) -> float:
    """Over the seeds."""
    return statistics.fmean(
        getattr(run, figure) for run in runs if run.table == table and run.program == program
    )


def ranks(scores: dict[str, float], metric: str) -> dict[str, float]:
    """1 is best; programs as good as each other share the mean of their places."""
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


def report(runs: list[Run]) -> str:
    """The means as a Markdown table, then ranks and wins."""
    programs = ["onward", *RIVALS]
    tables = list(dict.fromkeys(run.table for run in runs))
    lines = [f"| table | metric | {' | '.join(programs)} |", "|---" * 6 + "|"]
    places: dict[str, list[float]] = defaultdict(list)
    wins = 0
    for table in tables:
        metric = METRICS[table]
        scores = {program: mean(runs, table, program, "score") for program in programs}
        digits = 0 if max(scores.values()) > 100 else 4
        shown = " | ".join(f"{value:,.{digits}f}" for value in scores.values())
        lines.append(f"| {table} | {metric} | {shown} |")
        found = ranks(scores, metric)
        wins += found["onward"] < found["LightGBM"]
        for program, rank in found.items():
            places[program].append(rank)
    mean_ranks = " | ".join(f"{statistics.fmean(places[program]):.2f}" for program in programs)
    lines.append(f"| mean rank | | {mean_ranks} |")
    for figure, what, unit in (("fit_s", "fit", "s"), ("single_row_us", "one row", "µs")):
        middle = (
            statistics.median(mean(runs, table, program, figure) for table in tables)
            for program in programs
        )
        lines.append(f"| {what}, median | {unit} | {' | '.join(f'{v:,.0f}' for v in middle)} |")
        worst = (
            max(mean(runs, table, program, figure) for table in tables) for program in programs
        )
        lines.append(f"| {what}, worst | {unit} | {' | '.join(f'{v:,.0f}' for v in worst)} |")
    return "\n".join([*lines, "", f"better than LightGBM on {wins} of {len(tables)} tables"])


def main() -> None:
    """Run all, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="where the tables are")
    parser.add_argument("--tables", default=",".join(METRICS), help="some of them, with commas")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0")
    parser.add_argument("--quick", action="store_true", help="three small tables, one seed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(f"{arguments.data}: no such folder. Name the one with the tables by --data")
    tables = ["penguins", "titanic", "telco_churn"] if arguments.quick else None
    tables = tables or arguments.tables.split(",")
    seeds = 1 if arguments.quick else arguments.seeds
    runs: list[Run] = []
    print(f"{len(tables)} tables, {seeds} seeds, {os.cpu_count()} cores")
    for seed in range(seeds):
        for table in tables:
            found = runs_of(table, seed, arguments.data)
            runs += found
            shown = "  ".join(
                f"{run.program}: {run.score:.5g} ({run.fit_s:.0f} s)" for run in found
            )
            print(f"{table}, seed {seed}: {shown}", flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps([asdict(run) for run in runs], indent=1))
    print(report(runs))


if __name__ == "__main__":
    main()
