"""The search for leaks: every check, and its results."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from onward.errors import DataError
from onward.preprocessing.columns import converted
from onward.quality.leaks._column_pairs import telling_pairs
from onward.quality.leaks._duplicate_rows import repeated_share
from onward.quality.leaks._linear_combinations import explained as explained_by_sum
from onward.quality.leaks._linear_combinations import needed, sum_of
from onward.quality.leaks._overlap import groups_on_both_sides, held_out_too_early
from onward.quality.leaks._rules import LeakRules
from onward.quality.leaks._univariate_strength import Explained, explained, outcomes
from onward.schema import Field, Schema
from onward.tasks import usual_task

logger = logging.getLogger(__name__)

MOST_TRAIN, MOST_HELD_OUT = 20_000, 10_000  # rows from which strengths are measured
MOST_CELLS = 20_000_000  # held for that; of wide tables there are fewer rows
ENOUGH = 30  # held-out rows to measure on; with fewer, every row is held out once, in folds
FOLDS = 5
FEWEST = 30  # rows of the table; fewer cannot tell a leak from chance
LEAST = 20  # held-out rows in which duplicates are counted
TELLS = 0.98  # of the variance explained by one column: the target, or made from it
SUSPICIOUS = 0.96  # no honest column of the tables that we know explains as much
SURE = 0.94  # with few rows: the lower end of the interval
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
    leaks = list(_overlaps(rows, is_train, rules))
    if len(splits) < FEWEST:
        return [*leaks, _too_few(len(splits))]
    some, sample = _some(rows, is_train, schema.columns)
    measured = _Sample(some, targets[sample], is_train[sample])
    leaks += _strong_columns(measured, schema.columns, rules)
    leaks += _strong_combinations(measured, schema, rules)
    if rules.repeated_rows == "refuse" and len(splits) - is_train.sum() >= LEAST:
        names = [field.name for field in schema.columns]
        witness = max(names, key=lambda name: some[name].n_unique())
        leaks += _repeated(rows, is_train, [*names, schema.target.name], witness)
    return leaks


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
    if len(is_train) < FEWEST:
        return []
    some, sample = _some(rows, is_train, fields)
    return list(_strong_columns(_Sample(some, targets[sample], is_train[sample]), fields, rules))


def refuse(leaks: Sequence[Leak]) -> None:
    """Say what was found, and stop at errors.

    Raises:
        DataError: with a line for each.
    """
    for leak in leaks:
        if leak.level == "warning":
            logger.warning("prepare: %s. %s", leak.what, leak.remedy)
    errors = [f"{leak.what}. {leak.remedy}" for leak in leaks if leak.level == "error"]
    if errors:
        raise DataError("\n".join(errors))


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


class _Sample:
    """The rows to measure on, and what their columns explain by themselves."""

    def __init__(self, columns: pl.DataFrame, targets: np.ndarray, is_train: np.ndarray) -> None:
        self.columns = columns
        self.targets = targets
        self.wanted = outcomes(targets)
        self.training_rows = _divisions(is_train)

    def explained(self, name: str) -> Explained:
        """By one column alone."""
        return explained(self.columns[name], self.wanted, self.training_rows)


def _divisions(is_train: np.ndarray) -> list[np.ndarray]:
    """The split of the config, or folds of all rows if it holds out too few to measure on."""
    if len(is_train) - is_train.sum() >= ENOUGH:
        return [is_train]
    folds = np.random.default_rng(0).permutation(len(is_train)) % FOLDS
    return [folds != fold for fold in range(FOLDS)]


def _too_few(rows: int) -> Leak:
    return Leak(
        "warning",
        f"leaks were not searched for: {rows} rows are too few, the search needs {FEWEST}",
        "Check by hand that each column is known when a prediction is made",
    )


def _level(result: Explained) -> Literal["error", "warning"] | None:
    if result.share >= TELLS and result.lower >= SURE:
        return "error"
    return "warning" if result.share >= SUSPICIOUS else None


def _strong_columns(sample: _Sample, fields: Sequence[Field], rules: LeakRules) -> Iterator[Leak]:
    for field in fields:
        if field.name in rules.accept:
            continue
        result = sample.explained(field.name)
        section = "derive" if field.type == DERIVED else "columns"
        what = (
            f"column {field.name!r} alone explains {result.share:.1%} of the target in held-out"
            " rows"
        )
        level = _level(result)
        if level:
            yield Leak(
                level,
                what,
                f"If it is not known when a prediction is made, remove it from prepare.{section};"
                " otherwise add it to prepare.leaks.accept",
            )
        elif _numbered_by_target(field, sample.columns[field.name], result):
            yield Leak(
                "error",
                f"{what}, though it identifies the rows",
                "The table seems to be sorted or numbered by the target. Remove the column from"
                " prepare.columns, or add it to prepare.leaks.accept",
            )


def _numbered_by_target(field: Field, values: pl.Series, result: Explained) -> bool:
    return result.share >= IDENTIFIES and field.type not in UNNUMBERED and _identifies(values)


def _strong_combinations(sample: _Sample, schema: Schema, rules: LeakRules) -> Iterator[Leak]:
    """A sum of columns, or else a function of two, that explains the target."""
    fields = [field for field in schema.columns if field.name not in rules.accept]
    sums = []
    if usual_task(schema.target).is_number:
        numeric = [field.name for field in fields if field.is_numeric]
        sums = list(_adding_up(sample, numeric))
    yield from sums or _telling_pairs(sample, [field.name for field in fields])


def _telling_pairs(sample: _Sample, names: Sequence[str]) -> Iterator[Leak]:
    alone = {name: sample.explained(name).share for name in names}
    columns = sample.columns.select(names)
    for pair in telling_pairs(columns, sample.wanted, sample.training_rows, alone):
        level = _level(pair.result)
        if level:
            yield Leak(
                level,
                f"{pair.formula} explains {pair.result.share:.1%} of the target in held-out rows",
                "Remove those of the two from prepare.columns that are not known when a prediction"
                " is made; otherwise add one of them to prepare.leaks.accept",
            )


def _adding_up(sample: _Sample, names: Sequence[str]) -> Iterator[Leak]:
    is_train = sample.training_rows[0]
    if len(names) < 2:
        return
    values = sample.columns.select(pl.col(names).fill_nan(None).fill_null(0.0)).to_numpy()
    values = np.clip(values, -LARGEST, LARGEST)  # their squares are finite
    targets = np.clip(sample.targets, -LARGEST, LARGEST)
    signs = needed(sum_of(values, targets, is_train), values, targets, is_train)
    share = explained_by_sum(values @ signs, targets, is_train)
    if np.abs(signs).sum() < 2 or share < TELLS:
        return
    by_sign = sorted(zip(signs, names, strict=True), key=lambda pair: -pair[0])
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
