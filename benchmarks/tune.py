"""Tuning: trials as a batch, and what a search gains.

    python benchmarks/tune.py batch [--data FOLDER] [--table NAME] [--width N] [--epochs N]

`batch`: the CPU time of 16 trials of a perceptron, as a batch and one by one in one process, and
the largest difference of their losses. Trials differ in learning rate, weight decay and dropout.

Needs the tables: a folder for each, with the table, `meta.json` and `split.csv.gz`.
"""

import argparse
import logging
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from projects import DATA, onward, write_project

from onward.artifacts.prepared import Prepared
from onward.training.checkpoints import Checkpoints
from onward.training.default_settings import Given, Table, complete
from onward.training.history import LOSS
from onward.training.run import TrainingData, fit
from onward.training.settings import Settings
from onward.training.trial_batch import fit_together

TRIALS = 16


def cpu_s() -> float:
    """CPU time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds, and the result."""
    started = cpu_s()
    result = run()
    return cpu_s() - started, result


def trial_settings(table: Table, width: int, epochs: int) -> list[Settings]:
    """Settings of trials that differ in rate, decay and dropout."""
    trials = []
    for number in range(TRIALS):
        dropout = (0.0, 0.1, 0.2, 0.4)[number % 4]
        given = {
            "network": {"model": {"type": "mlp", "width": width, "depth": 2, "dropout": dropout}},
            "learner": {
                "learning_rate": 3e-4 * 1.15**number,
                "weight_decay": (0.0, 1e-3, 1e-2, 1e-1)[number // 4],
                "max_epochs": epochs,
            },
        }
        trials.append(complete(Given.model_validate(given), table))
    return trials


def batch(name: str, data: Path, width: int, epochs: int) -> None:
    """Print the times and the difference."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        config = write_project(name, data, folder, 0)
        onward(folder, "prepare", str(config.relative_to(folder)))
        prepared = Prepared(folder / "artifacts" / name / "prepare")
        rows, settings = (
            TrainingData.load(prepared),
            trial_settings(Table.of(prepared), width, epochs),
        )

        def alone() -> list[Any]:
            found = []
            for one in settings:
                checkpoints = Checkpoints(folder / "checkpoints", {})
                found.append(fit(one, rows, checkpoints).history)
                checkpoints.remove()
            return found

        fit(settings[0], rows, Checkpoints(folder / "first", {}))  # imports and first calls
        together_s, trials = timed(lambda: fit_together(settings, rows))
        alone_s, histories = timed(alone)
    distance = max(
        abs(ours[LOSS] - theirs[LOSS])
        for trial, history in zip(trials, histories, strict=True)
        for ours, theirs in zip(trial.history, history, strict=True)
    )
    learner = settings[0].learner
    print(
        f"{name}: {len(rows.train):,} rows, width {width}, batches of {learner.batch_size},"
        f" {epochs} epochs: {TRIALS} trials as a batch {together_s:.1f} s of CPU, one by one"
        f" {alone_s:.1f} s, ratio {together_s / alone_s:.2f}; losses differ by at most"
        f" {distance:.1e}"
    )


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("part", choices=["batch"])
    parser.add_argument("--data", type=Path, default=DATA, help="where the tables are")
    parser.add_argument("--table", default="telco_churn")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=6)
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(f"{arguments.data}: no such folder. Name the one with the tables by --data")
    logging.getLogger("onward").setLevel(logging.WARNING)
    batch(arguments.table, arguments.data, arguments.width, arguments.epochs)


if __name__ == "__main__":
    main()
