"""What a search of some minutes gains over the defaults, beside CatBoost tuned by Optuna.

    python benchmarks/tuned.py [--tables A,B] [--seeds N] [--minutes M] [--json FILE]

Ours: `onward init`, `prepare`, `train` and `export`; then `tune --write` with a budget in minutes,
and `train` and `export` once more, with the folds or the ensemble that it may ask for. CatBoost:
its defaults; then the best of as many trials as fit into the same minutes. A trial learns from the
training rows, and the validation rows stop it after 50 rounds without gain; the best learns from
both, for as many rounds as it needed. All are scored on the held-out rows: ours through the
exported file.

The clock counts, so run it on a free machine, or with `taskset` on a free core.

Needs catboost and optuna (`--group benchmarks`), and the tables, see `accuracy.py`.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from accuracy import rival_run, values_of
from projects import DATA, METRICS, onward, write_project
from rivals import Table
from scores import Run, Scores, complete, mean, measured, ranked_table, tables_of, wins

from onward import Predictor
from onward.artifacts.prepared import Prepared

TABLES = ("telco_churn", "taxis", "bank_4k", "california_housing", "employee_salaries", "letters")
DEFAULT, TUNED = "onward", "onward, tuned"
CATBOOST, OPTUNA = "CatBoost", "CatBoost, tuned"
PROGRAMS = (DEFAULT, TUNED, CATBOOST, OPTUNA)
ROUNDS, PATIENCE = 2_000, 50


def our_runs(name: str, seed: int, folder: Path, minutes: float) -> Iterator[tuple[Run, Table]]:
    """Our results by default and after a search, and the rows for the other program."""
    path = write_project(name, DATA, folder, seed)
    config = str(path.relative_to(folder))
    started = time.perf_counter()
    onward(folder, "prepare", config)
    table = Table(Prepared(folder / "artifacts" / name / "prepare"))
    yield _trained(name, DEFAULT, seed, folder, started), table
    settings = yaml.safe_load(path.read_text())
    settings["tune"] = {"minutes": minutes}
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    started = time.perf_counter()
    onward(folder, "tune", config, "--write")
    yield _trained(name, TUNED, seed, folder, started), table


def _trained(name: str, program: str, seed: int, folder: Path, started: float) -> Run:
    for stage in ("train", "export"):
        onward(folder, stage, f"configs/{name}.yaml")
    took = time.perf_counter() - started
    table = Table(Prepared(folder / "artifacts" / name / "prepare"))
    rows = table.splits["test"].select(table.columns).to_dict(as_series=False)
    predicted = values_of(Predictor(folder / "artifacts" / name / "export" / "model.onnx")(rows))
    figures = measured(table.task, METRICS[name], table.targets("test"), predicted)
    return Run(name, program, seed, **figures, fit_s=took)


def tuned_catboost(name: str, seed: int, table: Table, minutes: float) -> Run:
    """The best of the trials that fit into the minutes, on all rows but those held out.

    The space is that of Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data",
    appendix F, with at most 2,000 rounds.
    """
    import optuna
    from catboost import CatBoostClassifier, CatBoostRegressor, Pool

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    member: Any = CatBoostRegressor if table.task.is_number else CatBoostClassifier
    train, held_out = (
        Pool(table.frame(table.splits[split]), table.targets(split), table.categories)
        for split in ("train", "validation")
    )
    fixed: dict[str, Any] = {
        "random_seed": seed,
        "verbose": 0,
        "allow_writing_files": False,
        "thread_count": len(os.sched_getaffinity(0)),
    }

    def loss(trial: optuna.Trial) -> float:
        model = member(
            **fixed,
            learning_rate=trial.suggest_float("learning_rate", 1e-3, 1.0, log=True),
            depth=trial.suggest_int("depth", 3, 10),
            l2_leaf_reg=trial.suggest_float("l2_leaf_reg", 1.0, 10.0, log=True),
            bagging_temperature=trial.suggest_float("bagging_temperature", 0.0, 1.0),
            leaf_estimation_iterations=trial.suggest_int("leaf_estimation_iterations", 1, 10),
            iterations=ROUNDS,
        )
        model.fit(train, eval_set=held_out, early_stopping_rounds=PATIENCE)
        trial.set_user_attr("rounds", model.tree_count_)
        (best,) = model.get_best_score()["validation"].values()
        return float(best)

    started = time.perf_counter()
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(loss, timeout=60 * minutes)
    best = study.best_trial
    model = member(**fixed, **best.params, iterations=max(1, best.user_attrs["rounds"]))
    whole = table.all_training
    targets = [*table.targets("train"), *table.targets("validation")]
    model.fit(table.frame(whole), targets, cat_features=table.categories)
    took = time.perf_counter() - started
    ask = model.predict if table.task.is_number else model.predict_proba
    predicted = ask(table.frame(table.splits["test"]))
    figures = measured(table.task, METRICS[name], table.targets("test"), predicted)
    print(f"{name}: {len(study.trials)} trials of CatBoost, best {best.params}", file=sys.stderr)
    return Run(name, OPTUNA, seed, **figures, fit_s=took)


def runs_of(name: str, seed: int, minutes: float) -> Iterator[Run]:
    """All programs on one table."""
    with tempfile.TemporaryDirectory() as temporary:
        for run, table in our_runs(name, seed, Path(temporary), minutes):  # noqa: B007
            yield run
    yield rival_run(CATBOOST, name, seed, table)
    yield tuned_catboost(name, seed, table, minutes)


def gain(runs: list[Run], table: str, program: str, other: str) -> float:
    """By how much the held-out loss of a program is below that of another, in percent."""
    own, others = (mean(runs, table, who, "loss") for who in (program, other))
    return 100 * (1 - own / others)


def report(scores: Scores) -> str:
    """Scores with ranks, then what each search gains in loss."""
    runs = complete(scores.runs, PROGRAMS)
    lines = [*ranked_table(runs, PROGRAMS), ""]
    lines += [wins(runs, TUNED, OPTUNA), ""]
    lines.append("| table | tuned | CatBoost's | ours beside it |")
    lines.append("|---" * 4 + "|")
    pairs = ((TUNED, DEFAULT), (OPTUNA, CATBOOST), (TUNED, OPTUNA))
    for table in tables_of(runs):
        cells = " | ".join(f"{gain(runs, table, *pair):+.1f} %" for pair in pairs)
        lines.append(f"| {table} | {cells} |")
    means = [
        sum(gain(runs, table, *pair) for table in tables_of(runs)) / len(tables_of(runs))
        for pair in pairs
    ]
    lines.append(f"| mean | {' | '.join(f'{value:+.1f} %' for value in means)} |")
    return "\n".join(lines)


def main() -> None:
    """Run all, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tables", default=",".join(TABLES), help="some of them, with commas")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 0")
    parser.add_argument("--minutes", type=float, default=15, help="for each search")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures; go on there")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA}: no such folder")
    scores = Scores(arguments.json)
    for seed in range(arguments.seeds):
        for table in arguments.tables.split(","):
            if all(scores.has(table, program, seed) for program in PROGRAMS):
                continue
            for run in runs_of(table, seed, arguments.minutes):
                scores.add(run)
                print(f"{table}, seed {seed}, {run.program}: {run.loss:.4f} ({run.fit_s:.0f} s)")
    print(report(scores))


if __name__ == "__main__":
    main()
