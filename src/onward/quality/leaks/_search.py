"""All checks for leaks, and what they have found."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from onward.errors import DataError
from onward.preprocessing.columns import converted
from onward.quality.leaks._duplicate_rows import repeated_share
from onward.quality.leaks._linear_combinations import explained, needed, sum_of
from onward.quality.leaks._overlap import groups_on_both_sides, held_out_too_early
from onward.quality.leaks._rules import LeakRules
from onward.quality.leaks._univariate_strength import outcomes, strength
from onward.schema import Field, Schema

logger = logging.getLogger(__name__)

MOST_TRAIN, MOST_HELD_OUT = 20_000, 10_000  # rows from which strengths are measured
MOST_CELLS = 20_000_000  # held for that; of wide tables there are fewer rows
LEAST = 20  # held-out rows; fewer say nothing
TELLS = 0.98  # of the variance explained by one column: the target, or made from it
SUSPICIOUS = 0.96  # no honest column of the tables that we know explains as much
IDENTIFIES = 0.1  # an identifier should explain nothing
DISTINCT = 0.99  # of the values of an identifier
REPEATED = 0.02  # of the held-out rows; real tables have less by chance
MANY_REPEATED = 0.2  # what is measured on the others is hidden by these
LARGEST = 1e150
DERIVED = "derived"  # type of a field
UNNUMBERED = (DERIVED, "datetime")  # whole numbers there measure something
SAMPLED = "onward/sampled"  # no name of a column, which are checked for it


@dataclass(frozen=True)
class Leak:
    """Something that makes held-out rows easier than those to come."""

    level: Literal["error", "warning"]
    what: str
    """Of what, and how much."""
    remedy: str


def search(
    rows: pl.LazyFrame, splits: np.ndarray, targets: np.ndarray, schema: Schema, rules: LeakRules
) -> list[Leak]:
    """What looks like a leak, before anything is learned.

    Args:
        rows: columns in wire form, the target, and the columns of the rules.
        splits: for each row its place in `SPLITS`.
        targets: encoded, for each row.
        schema: which columns are predicted from.
        rules: of the config.
    """
    is_train = splits == 0
    found = list(_overlaps(rows, is_train, rules))
    if len(splits) - is_train.sum() < LEAST:
        return found
    names = [field.name for field in schema.columns]
    some, sample = _some(rows, is_train, schema.columns)
    found += _telling(some, targets[sample], is_train[sample], schema.columns, rules)
    if schema.target.kind == "number":
        found += _adding_up(some, targets[sample], is_train[sample], schema.columns, rules)
    if rules.repeated_rows == "refuse":
        witness = max(names, key=lambda name: some[name].n_unique())
        found += _repeated(rows, is_train, [*names, schema.target.name], witness)
    return found


def search_derived(
    rows: pl.LazyFrame,
    is_train: np.ndarray,
    targets: np.ndarray,
    fields: Sequence[Field],
    rules: LeakRules,
) -> list[Leak]:
    """Which derived columns tell the target.

    Args:
        rows: derived columns.
        is_train: for each row, whether it is for training.
        targets: encoded, of the same rows.
        fields: the columns, of the type ``DERIVED``.
        rules: of the config.
    """
    if len(is_train) - is_train.sum() < LEAST:
        return []
    some, sample = _some(rows, is_train, fields)
    return list(_telling(some, targets[sample], is_train[sample], fields, rules))


def refuse(leaks: Sequence[Leak]) -> None:
    """Say what was found, and stop at errors.

    Raises:
        DataError: with a line for each.
    """
    said = {
        level: [leak for leak in leaks if leak.level == level] for level in ("error", "warning")
    }
    for leak in said["warning"]:
        logger.warning("prepare: %s. %s", leak.what, leak.remedy)
    if said["error"]:
        raise DataError("\n".join(f"{leak.what}. {leak.remedy}" for leak in said["error"]))


def _overlaps(rows: pl.LazyFrame, is_train: np.ndarray, rules: LeakRules) -> Iterator[Leak]:
    if not rules.columns:
        return
    values = rows.select(rules.columns).collect()
    for name in rules.groups:
        count = groups_on_both_sides(values[name], is_train)
        if count:
            yield Leak(
                "error",
                f"{count} values of the group column {name!r} are in training and in held-out rows",
                f"Set prepare.split to {{type: group, name: {name}}}",
            )
    if rules.time is not None:
        count = held_out_too_early(values[rules.time], is_train)
        if count:
            yield Leak(
                "error",
                f"{count} held-out rows are no later than the last training row, by the time column"
                f" {rules.time!r}",
                f"Set prepare.split to {{type: time, name: {rules.time}}}",
            )


def _sample(is_train: np.ndarray, rows: int) -> np.ndarray:
    """Which rows to measure strengths from."""
    sampled = np.zeros(len(is_train), bool)
    draw = np.random.default_rng(0)
    for place, most in ((is_train, MOST_TRAIN), (~is_train, MOST_HELD_OUT)):
        some = np.flatnonzero(place)
        sampled[draw.choice(some, min(most, rows // 2, len(some)), replace=False)] = True
    return sampled


def _some(
    rows: pl.LazyFrame, is_train: np.ndarray, fields: Sequence[Field]
) -> tuple[pl.DataFrame, np.ndarray]:
    """The rows to measure strengths from, and which they are."""
    sample = _sample(is_train, MOST_CELLS // len(fields))
    marked = pl.concat([rows, pl.LazyFrame({SAMPLED: sample})], how="horizontal")
    names = [field.name for field in fields]
    some = marked.filter(SAMPLED).select(names).collect(engine="streaming")
    return converted(some, fields), sample


def _telling(
    some: pl.DataFrame,
    targets: np.ndarray,
    is_train: np.ndarray,
    fields: Sequence[Field],
    rules: LeakRules,
) -> Iterator[Leak]:
    wanted = outcomes(targets)
    for field in fields:
        if field.name in rules.accept:
            continue
        values = some[field.name]
        share = strength(values, wanted, is_train)
        section = "derive" if field.type == DERIVED else "columns"
        about = f"column {field.name!r} alone explains {share:.1%} of the target in held-out rows"
        if share >= SUSPICIOUS:
            yield Leak(
                "error" if share >= TELLS else "warning",
                about,
                f"If it is not known when a prediction is made, remove it from prepare.{section};"
                " otherwise add it to prepare.leaks.accept",
            )
        elif share >= IDENTIFIES and field.type not in UNNUMBERED and _identifies(values):
            yield Leak(
                "error",
                f"{about}, though it identifies the rows",
                "The table seems to be sorted or numbered by the target. Remove the column from"
                " prepare.columns, or add it to prepare.leaks.accept",
            )


def _adding_up(
    some: pl.DataFrame,
    targets: np.ndarray,
    is_train: np.ndarray,
    fields: Sequence[Field],
    rules: LeakRules,
) -> Iterator[Leak]:
    numeric = [field.name for field in fields if field.is_numeric]
    names = [name for name in numeric if name not in rules.accept]
    if len(names) < 2:
        return
    values = some.select(pl.col(names).fill_nan(None).fill_null(0.0)).to_numpy()
    values = np.clip(values, -LARGEST, LARGEST)  # their squares are finite
    targets = np.clip(targets, -LARGEST, LARGEST)
    signs = needed(sum_of(values, targets, is_train), values, targets, is_train)
    share = explained(values @ signs, targets, is_train)
    if np.abs(signs).sum() < 2 or share < TELLS:
        return
    by_sign = sorted(zip(signs, names, strict=True), key=lambda each: -each[0])
    terms = [f"{'-' if sign < 0 else '+'} {name!r}" for sign, name in by_sign if sign]
    yield Leak(
        "error",
        f"columns {' '.join(terms).removeprefix('+ ')} add up to {share:.1%} of the target in"
        " held-out rows",
        "Remove those from prepare.columns that are not known when a prediction is made; add the"
        " others to prepare.leaks.accept",
    )


def _identifies(values: pl.Series) -> bool:
    """Whether nearly each row has a value of its own, and it measures nothing."""
    present = values.drop_nulls()
    if present.n_unique() < DISTINCT * len(values):
        return False
    return present.dtype == pl.String or bool((present == present.round()).all())


def _repeated(
    rows: pl.LazyFrame, is_train: np.ndarray, columns: Sequence[str], witness: str
) -> Iterator[Leak]:
    share = repeated_share(rows, is_train, columns, witness)
    if share >= REPEATED:
        yield Leak(
            "error" if share >= MANY_REPEATED else "warning",
            f"{share:.1%} of the held-out rows repeat a training row, but for case and blanks",
            "Remove repetitions from the table, keep those of one origin together with"
            " {type: group} in prepare.split, set `duplicates: drop` in prepare.rows, or set"
            " `repeated_rows: accept` in prepare.leaks",
        )
