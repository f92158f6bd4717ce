"""Public tables from `onward init` to the report with no hand edits, and what init took them for.

    python benchmarks/tables.py [--data FOLDER] [--tables A,B] [--quick] [--json FILE]

Each table goes through `onward init`, `prepare`, `train`, `export`, `evaluate` and `report`, with
the split that comes with it, without the columns that are known as leaks. Printed are the columns
that `init` took for another kind than `meta.json` says, with its reason, and the scores of the
exported file on held-out rows. `--quick` stops after `prepare`. Ends with 1 if a table fails.

Needs the tables: a folder for each, with the table, `meta.json` and `split.csv.gz`.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from projects import DATA, METRICS, SPLIT, meta_of, onward, write_project, write_table

from onward.cli._project import Project
from onward.stages import ORDER

TABLES = tuple(sorted([*METRICS, "nyc_airbnb"]))
KINDS = {"numerical": "number", "categorical": "category", "": "left out"}
"""Types of columns, where `meta.json` has another word for them."""


@dataclass(frozen=True)
class Difference:
    """A column that is inferred as something else than its maker says."""

    table: str
    column: str
    wanted: str
    inferred: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What became of a table."""

    table: str
    columns: int
    differences: tuple[Difference, ...]
    metrics: dict[str, float]
    trees: dict[str, float]
    """Of gradient-boosted trees on the same rows, by scikit-learn with its default settings."""
    seconds: float


def differences(name: str, data: Path, table: Path) -> list[Difference]:
    """Columns whose kinds differ; an id that is left out does not."""
    meta = meta_of(name, data)
    wanted = {column: kind for kind, names in meta["column_kinds"].items() for column in names}
    found = []
    for guess in Project.of(table, meta["target"], SPLIT).columns:
        kind = KINDS.get(guess.type, guess.type)
        is_same = kind == wanted[guess.name] or (kind, wanted[guess.name]) == ("left out", "id")
        if not is_same:
            found.append(Difference(name, guess.name, wanted[guess.name], kind, guess.reason))
    return found


def outcome(name: str, data: Path, *, quick: bool) -> Outcome:
    """Take a table through the pipeline."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        started = time.perf_counter()
        config = write_project(name, data, folder, 0)
        for stage in ORDER[: 1 if quick else None]:
            onward(folder, stage, str(config.relative_to(folder)))
        seconds = time.perf_counter() - started
        comparison = folder / "artifacts" / name / "evaluate/comparison.json"
        scores = json.loads(comparison.read_text()) if comparison.exists() else {}
        (folder / "seen").mkdir()
        kinds = differences(name, data, write_table(name, data, folder / "seen", 0))
    meta = meta_of(name, data)
    columns = sum(map(len, meta["column_kinds"].values())) - len(meta["column_kinds"]["leak"])
    return Outcome(
        name,
        columns,
        tuple(kinds),
        values(scores, "model"),
        values(scores, "boosted_trees"),
        seconds,
    )


def values(scores: dict[str, Any], who: str) -> dict[str, float]:
    """Metrics of a predictor, without their intervals."""
    return {name: found["value"] for name, found in scores.get(who, {}).items()}


def report(outcomes: list[Outcome]) -> str:
    """Two tables in Markdown."""
    lines = ["| table | column | `meta.json` | init | its reason |", "|---" * 5 + "|"]
    lines += [
        f"| {each.table} | {each.column} | {each.wanted} | {each.inferred} | {each.reason} |"
        for found in outcomes
        for each in found.differences
    ]
    other = sum(len(found.differences) for found in outcomes)
    lines += ["", f"{other} of {sum(found.columns for found in outcomes)} columns differ", ""]
    lines += ["| table | metric | onward | boosted trees | s |", "|---" * 5 + "|"]
    for found in outcomes:
        metric = METRICS.get(found.table, "R2")
        shown = [scores.get(metric.lower()) for scores in (found.metrics, found.trees)]
        cells = " | ".join("" if value is None else f"{value:.4g}" for value in shown)
        lines.append(f"| {found.table} | {metric} | {cells} | {found.seconds:.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Run all, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="where the tables are")
    parser.add_argument("--tables", default=",".join(TABLES), help="some of them, with commas")
    parser.add_argument("--quick", action="store_true", help="only `init` and `prepare`")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(f"{arguments.data}: no such folder. Name the one with the tables by --data")
    outcomes = []
    print(f"{os.cpu_count()} cores")
    for name in arguments.tables.split(","):
        outcomes.append(outcome(name, arguments.data, quick=arguments.quick))
        print(f"{name}: {outcomes[-1].seconds:.0f} s", flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps([asdict(each) for each in outcomes], indent=1))
    print(report(outcomes))


if __name__ == "__main__":
    main()
