"""Which defaults generalise: candidates are chosen on some tables and scored on the others.

    python benchmarks/defaults.py [--programs A,B] [--tables A,B] [--seeds N] [--rows N]
        [--redraw] [--data FOLDER] [--json FILE]

A candidate is the config that `onward init` writes, with a few changes. Each is scored once for
each table and seed, by the network before export, which `export` compares with the file. Then for
each table the candidate with the best mean rank on the *other* tables is taken, and its score on
this one is compared with those of boosted trees and a linear model on the same rows. `--rows`
draws as many training and validation rows, and as many test rows, from larger tables; `--redraw`
draws the test rows anew for each seed, where few decide. Needs lightgbm, catboost and the tables,
see `accuracy.py`.
"""

import argparse
import json
import logging
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from projects import DATA, METRICS, write_project
from rivals import RIVALS, Table
from scores import Run, Scores, complete, mean, measured, ranked_table, ranks, tables_of, wins

from onward.artifacts.prepared import Prepared
from onward.settings.read_yaml import read_yaml
from onward.stages import prepare
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.default_settings import Given
from onward.training.default_settings import Table as Properties
from onward.training.default_settings import complete as complete_settings
from onward.training.fitting import fit_prepared
from onward.training.scores import compute_scores

Config = dict[str, Any]
Change = Callable[[Config, pl.DataFrame], None]
CHOSEN = "chosen on the others"


def _unchanged(config: Config, table: pl.DataFrame) -> None:
    pass


def _categories(config: Config, table: pl.DataFrame, distinct: int) -> Config:
    """The categorical columns with at least so many distinct values."""
    return {
        name: column
        for name, column in config["prepare"]["columns"].items()
        if column["type"] == "categorical" and table[name].n_unique() >= distinct
    }


def _min_count(rows: int) -> Change:
    """Values in fewer rows are unknown."""

    def change(config: Config, table: pl.DataFrame) -> None:
        for column in _categories(config, table, 0).values():
            column["min_count"] = rows

    return change


def _folds(count: int) -> Change:
    return lambda config, _: config["train"].update(folds=count)


def _epochs(number: int) -> Change:
    """So many epochs, with the patience that goes with them."""
    return lambda config, _: config["train"].setdefault("learner", {}).update(max_epochs=number)


def _target_means(distinct: int, *, embeds: bool) -> Change:
    """Out-of-fold target means beside the embeddings of categories, or in their place."""

    def change(config: Config, table: pl.DataFrame) -> None:
        if len(config["prepare"]["target"].get("classes", ())) > 2:
            return
        derive = config["prepare"].setdefault("derive", {})
        for name, column in _categories(config, table, distinct).items():
            derive[f"{name}: target"] = {"type": "target_mean", "column": name}
            config["prepare"]["columns"][f"{name}: target"] = {"type": "numerical"}
            column["feature"] = embeds

    return change


CANDIDATES: dict[str, Change] = {
    "default": _unchanged,
    "folds 1": _folds(1),
    "folds 5": _folds(5),
    "epochs 16": _epochs(16),
    "epochs 36": _epochs(36),
    "min_count 1": _min_count(1),
    "means beside": _target_means(20, embeds=True),
    "means instead": _target_means(100, embeds=False),
}
"""By name; each changes the config in place."""
PROGRAMS = (*CANDIDATES, *RIVALS)


class Bench:
    """One table and seed; tables are prepared once for candidates that prepare alike."""

    def __init__(
        self, name: str, seed: int, folder: Path, data: Path, rows: int | None, *, redraw: bool
    ) -> None:
        self.name, self.seed, self._folder = name, seed, folder
        self._config = read_yaml(write_project(name, data, folder, seed, rows, redraw=redraw))
        path = folder / self._config["prepare"]["source"]["path"]
        self._config["prepare"]["source"]["path"] = str(path)
        self._table = pl.read_csv(path, infer_schema=False)
        self._prepared: dict[str, Prepared] = {}
        self._predicted: dict[str, np.ndarray] = {}

    def run(self, program: str) -> Run:
        """Train a candidate or a rival, and score it on the test rows."""
        config = json.loads(json.dumps(self._config))
        CANDIDATES.get(program, _unchanged)(config, self._table)
        started = time.perf_counter()
        prepared = self._prepare(config["prepare"])
        table = Table(prepared)
        if program in RIVALS:
            fitted = RIVALS[program](table, self.seed)
            predicted = fitted.predict(fitted.read(table.splits["test"]))
        else:
            predicted = self._predict(prepared, config)
        took = time.perf_counter() - started
        figures = measured(table.task, METRICS[self.name], table.targets("test"), predicted)
        return Run(self.name, program, self.seed, **figures, fit_s=took)

    def _prepare(self, section: Mapping[str, Any]) -> Prepared:
        key = json.dumps(section)
        if key not in self._prepared:
            folder = self._folder / f"prepared-{len(self._prepared)}"
            prepare.run(prepare.Settings.model_validate_json(key), folder)
            self._prepared[key] = Prepared(folder / "prepare")
        return self._prepared[key]

    def _predict(self, prepared: Prepared, config: Config) -> np.ndarray:
        key = json.dumps(config)
        if key not in self._predicted:  # a change may not concern this table
            self._predicted[key] = self._trained(prepared, config["train"]).numpy()
        return self._predicted[key]

    def _trained(self, prepared: Prepared, section: Mapping[str, Any]) -> torch.Tensor:
        settings = complete_settings(
            Given.model_validate_json(json.dumps(section)), Properties.of(prepared)
        )
        with tempfile.TemporaryDirectory() as checkpoints:
            network = fit_prepared(settings, prepared, Checkpoints(Path(checkpoints), {})).network
        output = "value" if is_number(prepared) else "probabilities"
        test = Rows.of(prepared.arrays("test"))
        with torch.no_grad():
            return compute_scores(
                network, test, torch.device("cpu"), lambda features: network(features)[output]
            )


def is_number(prepared: Prepared) -> bool:
    """Whether the target is a number."""
    return not prepared.schema().target.classes


def chosen(runs: Sequence[Run], candidates: Sequence[str], table: str) -> str:
    """The candidate with the best mean rank on all tables but one."""
    of_tables = [
        ranks({who: mean(runs, other, who, "score") for who in candidates}, METRICS[other])
        for other in tables_of(runs)
        if other != table
    ]
    return min(candidates, key=lambda who: statistics.fmean(found[who] for found in of_tables))


def report(runs: Sequence[Run], programs: Sequence[str]) -> str:
    """Candidates among themselves, and the chosen ones beside the rivals."""
    candidates = [name for name in programs if name in CANDIDATES]
    rivals = [name for name in programs if name in RIVALS]
    runs = complete(runs, programs)
    lines = [*ranked_table(runs, candidates), ""]
    for candidate in candidates[1:]:
        losses = [
            mean(runs, table, candidate, "loss") / mean(runs, table, candidates[0], "loss") - 1
            for table in tables_of(runs)
        ]
        lines.append(f"{candidate}: mean loss {statistics.fmean(losses):+.2%}")
    if len(tables_of(runs)) == 1:  # there are no others to choose on
        return "\n".join([*lines, "", *ranked_table(runs, programs)])
    choice = {table: chosen(runs, candidates, table) for table in tables_of(runs)}
    lines += [f"{table}: best on the others is {candidate}" for table, candidate in choice.items()]
    copies = [replace(run, program=CHOSEN) for run in runs if run.program == choice[run.table]]
    runs = [*runs, *copies]
    lines += ["", *ranked_table(runs, [CHOSEN, *rivals]), ""]
    return "\n".join([*lines, *(wins(runs, CHOSEN, rival) for rival in rivals)])


def main() -> None:
    """Run what is missing, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--programs", default=",".join(PROGRAMS), help="some of them, with commas")
    parser.add_argument("--data", type=Path, default=DATA, help="where the tables are")
    parser.add_argument("--tables", default=",".join(METRICS), help="some of them, with commas")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0")
    parser.add_argument("--rows", type=int, help="most rows for training and for testing")
    parser.add_argument("--redraw", action="store_true", help="draw the test rows, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures; go on there")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    programs = re.split(",(?! )", arguments.programs)  # some names have a comma and a blank
    if unknown := [name for name in programs if name not in PROGRAMS]:
        sys.exit(f"{unknown[0]!r} is none of {', '.join(map(repr, PROGRAMS))}")
    scores = Scores(arguments.json)
    for seed in range(arguments.seeds):
        for table in arguments.tables.split(","):
            missing = [who for who in programs if not scores.has(table, who, seed)]
            if not missing:
                continue
            with tempfile.TemporaryDirectory() as folder:
                given = (arguments.data, arguments.rows)
                bench = Bench(table, seed, Path(folder), *given, redraw=arguments.redraw)
                for program in missing:
                    run = bench.run(program)
                    scores.add(run)
                    print(f"{table}, seed {seed}, {program}: {run.score:.5g}", flush=True)
    print(report(scores.runs, programs))


if __name__ == "__main__":
    main()
