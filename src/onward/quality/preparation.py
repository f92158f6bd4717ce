"""Preparation of a table for training: validate, split, fit the preprocessing, encode."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from onward.errors import DataError
from onward.preprocessing.columns import Column
from onward.preprocessing.derivations import Derivation
from onward.preprocessing.out_of_fold import Deriving
from onward.quality.data_report import about_column, about_derived, about_target, about_weights
from onward.quality.leaks import DERIVED, Leak, refuse, search, search_derived
from onward.quality.plan import Plan
from onward.quality.sample_size import shortages
from onward.quality.splitting import SplitRows, downsample, split_rows
from onward.quality.starting_point import StartingPoint
from onward.quality.unused_columns import unused_columns
from onward.quality.validation import accept_rows, discard, find, refuse_findings
from onward.quality.writing import (
    derived_of,
    join_derived,
    rows_of,
    write_arrays,
    write_derived,
    write_graph,
    write_rows,
    write_weights,
)
from onward.schema import Field
from onward.table.sources import Table
from onward.table.splits import SPLITS
from onward.table.target import refuse_unlearnable

FIT_WORKERS = 2  # parallel columns; more cost memory, and polars is multithreaded


def prepare(
    plan: Plan, table: Table, work: Path, start: StartingPoint | None = None
) -> dict[str, Any]:
    """Write the files that `Prepared` reads, and return the data report.

    Args:
        plan: the steps to run.
        table: the rows.
        work: an empty folder.
        start: the model to start from.

    Raises:
        DataError: if rows break the contract, a column leaks the target, or nothing can be learned.
    """
    path = plan.settings.source.path
    with _prefix_errors(path):
        _refuse_hidden(plan.derivations, table.names())
    rows, quality = accept_rows(table, plan.contract, work)
    with _prefix_errors(path):
        split = split_rows(plan, rows)
        if not plan.is_whole:
            quality["rows"]["in this part"] = len(split.splits)
        trained = _last_trained(plan, split, start)
        leaks = _leaks(plan, split)
        split, counts = _write_used_rows(plan, split, work)
    discard(work)
    with _prefix_errors(path):
        if plan.derivations:
            leaks += _derive(plan, split, work)
        columns = _learn(plan, rows_of(work, "train"), start)
    quality["leaks"] = [asdict(leak) for leak in leaks]
    quality["shortages"] = _shortages(plan, split) + _warnings(start, columns)
    write_graph(plan.columns, plan.derivations, work)
    write_arrays(plan.columns, split, work)
    (work / "schema.json").write_text(plan.schema.dump())
    join_derived(work)
    if plan.is_whole:
        columns["left_out"] = unused_columns(plan, table)
    about = {**columns, "target": about_target(plan.schema.target, split), "quality": quality}
    return {"source": str(path), **counts, **trained, **about}


def _warnings(start: StartingPoint | None, columns: Mapping[str, Any]) -> list[str]:
    """What columns that keep their preprocessing cannot tell."""
    if start is None:
        return []
    abouts = [*columns["columns"], *columns.get("derived", [])]
    return start.warnings({about["name"]: about["missing"] for about in abouts})


def _last_trained(plan: Plan, split: SplitRows, start: StartingPoint | None) -> dict[str, Any]:
    """What a model that starts from this one must know of its training rows.

    Refuses rows that the model to start from was trained on.
    """
    if not plan.is_whole:
        return {}
    name, known = plan.split.column, None
    values = split.rows.select(name).collect().to_series() if name is not None else None
    if start is not None:
        known = start.last_trained
        plan.split.refuse_trained(split.splits, values, known)
    last = plan.split.last_trained(split.splits, values, known)
    return {} if last is None else {"last_trained": last}


def _shortages(plan: Plan, split: SplitRows) -> list[str]:
    """What the rows are too few for."""
    targets = {name: split.targets_of(name) for name in SPLITS}
    features = [column for column in plan.columns if column.config.feature]
    of_columns = [text for column in features for text in column.warnings()]
    return [*shortages(plan.schema.target, targets), *of_columns]


@contextmanager
def _prefix_errors(path: Path) -> Iterator[None]:
    """Prefix error messages with the path of the table."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _refuse_hidden(derivations: Sequence[Derivation], names: Sequence[str]) -> None:
    for derivation in derivations:
        if derivation.name in names:
            raise DataError(
                f"derive: {derivation.name!r} is already a column of the table. Choose another name"
            )


def _leaks(plan: Plan, split: SplitRows) -> list[Leak]:
    """Leaks in the whole table; a part of it has the same ones, and fewer rows to find them."""
    leaks: list[Leak] = []
    if plan.is_whole:
        rules = plan.settings.leaks
        leaks = search(split.rows, split.splits, split.targets, plan.schema, rules)
    refuse(leaks)
    return leaks


def _write_used_rows(plan: Plan, split: SplitRows, work: Path) -> tuple[SplitRows, dict[str, Any]]:
    """Write the rows that are used, with a report of their numbers."""
    used, weights = downsample(plan, split), plan.settings.weights
    report: dict[str, Any] = {"rows": used.counts()}
    if plan.settings.sample is not None:
        report["sampled_from"] = split.counts()["train"]
    refuse_unlearnable(plan.schema.target, used.targets_of("train"))
    write_rows(used, plan.schema, work)
    if weights is not None:
        report["weights"] = about_weights(weights, write_weights(used, weights, work))
    return used, report


def _derive(plan: Plan, split: SplitRows, work: Path) -> list[Leak]:
    """Fit and write the derived columns; refuse broken rules and leaks of the target."""
    derivations, target = plan.derivations, plan.schema.target
    deriving = Deriving(plan.raw_columns, derivations, plan.settings.seed)
    deriving.fit(rows_of(work, "train"), split.targets_of("train"), target)
    write_derived(deriving, work)
    _refuse_broken(plan.derived_columns, work)
    if not plan.is_whole:  # see `_leaks`
        return []
    targets = [split.targets_of(name) for name in SPLITS]
    is_train = np.arange(sum(map(len, targets))) < len(targets[0])
    rows = pl.concat([derived_of(work, name) for name in SPLITS])
    fields = [Field(derivation.name, DERIVED, derivation.wire) for derivation in derivations]
    leaks = search_derived(rows, is_train, np.concatenate(targets), fields, plan.settings.leaks)
    refuse(leaks)
    return leaks


def _refuse_broken(columns: Sequence[Column], work: Path) -> None:
    """Refuse derived columns that break the rules of their types."""
    rules = [rule for column in columns for rule in column.rules()]

    def row_of(split: str, row: int) -> str:
        return f"row {row} of the {split} rows"

    for split in SPLITS:
        findings = find(derived_of(work, split), rules)
        refuse_findings("derived", findings, partial(row_of, split))


def _learn(plan: Plan, train: pl.LazyFrame, start: StartingPoint | None) -> dict[str, Any]:
    """Fit and describe the columns, a few at a time to bound the memory."""
    added: dict[str, int] = {}

    def learn(column: Column) -> dict[str, Any]:
        values = train.select(column.name).collect().to_series()
        if column.config.feature:
            if start is not None and start.restore(column):
                added[column.name] = column.extend(values)
            else:
                column.fit(values)
        return about_column(column, values)

    with ThreadPoolExecutor(FIT_WORKERS) as pool:
        abouts = list(pool.map(learn, plan.columns))
    raw = {column.name for column in plan.raw_columns}
    report: dict[str, Any] = {"columns": [about for about in abouts if about["name"] in raw]}
    if plan.derivations:
        report["derived"] = about_derived(plan.derivations, train)
    if start is not None:
        report["start_from"] = start.document(added)
    return report
