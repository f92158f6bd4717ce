"""The search for leaks: all checks, and their results."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from onward.errors import DataError
from onward.preprocessing.columns import convert_quantities
from onward.quality.leaks._column_pairs import leaking_pairs
from onward.quality.leaks._duplicate_rows import duplicate_share
from onward.quality.leaks._linear_combinations import explained_share, nearest_sum, needed_signs
from onward.quality.leaks._overlap import num_groups_on_both_sides, num_held_out_too_early
from onward.quality.leaks._rules import LeakRules
from onward.quality.leaks._univariate_strength import Explained, estimate_strength, outcomes
from onward.schema import Field, Schema, Target
from onward.serving.column_settings import is_numeric
from onward.tasks import usual_task
from onward.wires import SCALARS, wire_of
from onward.wording import format_count

logger = logging.getLogger(__name__)

MAX_TRAIN_ROWS, MAX_HELD_OUT_ROWS = 20_000, 10_000  # rows to measure on
MAX_SAMPLE_CELLS = 20_000_000  # values in memory; wide tables get fewer rows
MIN_HELD_OUT_ROWS = (
    30  # held-out rows to measure on; with fewer, all rows are held out once in folds
)
FOLDS = 5
MIN_TABLE_ROWS = 30  # rows of the table; fewer cannot distinguish a leak from chance
MIN_ROWS_FOR_DUPLICATES = 20  # held-out rows for counting duplicates
LEAK_SHARE = 0.98  # share of the variance that a copy of the target explains
SUSPICIOUS_SHARE = 0.96  # legitimate columns of known tables explain less
LEAK_LOWER_END = 0.94  # lower end of the interval, which matters with few rows
IDENTIFIER_SHARE = 0.1  # share of the variance; an identifier should explain nothing
DISTINCT_SHARE = 0.99  # share of distinct values in an identifier
DUPLICATE_SHARE = 0.02  # share of the held-out rows; tables have less by chance
MANY_DUPLICATES = 0.2  # such a share distorts all metrics
LARGEST_NUMBER = 1e150
MAX_ELEMENTS = 256  # of a row of several values; each is measured alone, in some 10 ms
DERIVED = "derived"  # type of a field
MEASURED_TYPES = (DERIVED, "datetime")  # types whose whole numbers are measurements
SAMPLED = "onward/sampled"  # reserved: columns cannot have this name


@dataclass(frozen=True)
class Leak:
    """Something that makes held-out rows easier to predict than new rows."""

    level: Literal["error", "warning"]
    what: str
    """The leak and its size."""
    remedy: str


def search(
    rows: pl.LazyFrame, splits: np.ndarray, targets: np.ndarray, schema: Schema, rules: LeakRules
) -> list[Leak]:
    """Search a table for leaks before training.

    Args:
        rows: columns in wire form, the target, and the columns of the rules.
        splits: index into `SPLITS` for each row.
        targets: encoded targets.
        schema: the input columns and the target.
        rules: settings of the checks.
    """
    is_train = splits == 0
    leaks = list(_overlaps(rows, is_train, rules))
    if len(splits) < MIN_TABLE_ROWS:
        return [*leaks, _skipped_search(len(splits))]
    fields = [field for field in schema.columns if wire_of(field.wire).size <= MAX_ELEMENTS]
    columns, sample = _sampled_columns(rows, is_train, fields)
    measured = _Sample(columns, targets[sample], is_train[sample])
    single = [field for field in fields if field.wire in SCALARS]
    leaks += _strong_columns(measured, single, rules)
    leaks += _strong_elements(measured, [field for field in fields if field not in single], rules)
    leaks += _strong_combinations(measured, single, schema.target, rules)
    if rules.repeated_rows == "refuse" and len(splits) - is_train.sum() >= MIN_ROWS_FOR_DUPLICATES:
        names = [field.name for field in schema.columns]
        witness = max(columns.columns, key=lambda name: columns[name].n_unique(), default=names[0])
        leaks += _duplicates(rows, is_train, [*names, schema.target.name], witness)
    return leaks


def search_derived(
    rows: pl.LazyFrame,
    is_train: np.ndarray,
    targets: np.ndarray,
    fields: Sequence[Field],
    rules: LeakRules,
) -> list[Leak]:
    """Search derived columns for leaks of the target.

    Args:
        rows: derived columns.
        is_train: mask of the training rows.
        targets: encoded targets of the same rows.
        fields: the columns, of type ``DERIVED``.
        rules: settings of the checks.
    """
    if len(is_train) < MIN_TABLE_ROWS:
        return []
    columns, sample = _sampled_columns(rows, is_train, fields)
    return list(_strong_columns(_Sample(columns, targets[sample], is_train[sample]), fields, rules))


def refuse(leaks: Sequence[Leak]) -> None:
    """Log warnings, and refuse a table with errors.

    Raises:
        DataError: with a line for each error.
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
        count = num_groups_on_both_sides(values[name], is_train)
        if count:
            yield Leak(
                "error",
                f"{format_count(count, 'value')} of the group column {name!r} in training and in"
                " held-out rows",
                f"Set prepare.split to {{type: group, name: {name}}}",
            )
    if rules.time is not None:
        count = num_held_out_too_early(values[rules.time], is_train)
        if count:
            yield Leak(
                "error",
                f"{format_count(count, 'held-out row')} no later than the last training row, by the"
                f" time column {rules.time!r}",
                f"Set prepare.split to {{type: time, name: {rules.time}}}",
            )


def _sample(is_train: np.ndarray, rows: int) -> np.ndarray:
    """Mask of the rows to measure on."""
    sampled = np.zeros(len(is_train), bool)
    draw = np.random.default_rng(0)
    for mask, most in ((is_train, MAX_TRAIN_ROWS), (~is_train, MAX_HELD_OUT_ROWS)):
        indices = np.flatnonzero(mask)
        sampled[draw.choice(indices, min(most, rows // 2, len(indices)), replace=False)] = True
    return sampled


def _sampled_columns(
    rows: pl.LazyFrame, is_train: np.ndarray, fields: Sequence[Field]
) -> tuple[pl.DataFrame, np.ndarray]:
    """The rows to measure on, and their mask."""
    cells = sum(wire_of(field.wire).size for field in fields)
    sample = _sample(is_train, MAX_SAMPLE_CELLS // max(1, cells))
    marked = pl.concat([rows, pl.LazyFrame({SAMPLED: sample})], how="horizontal")
    names = [field.name for field in fields]
    columns = marked.filter(SAMPLED).select(names).collect(engine="streaming")
    return convert_quantities(columns, fields), sample


class _Sample:
    """The rows to measure on."""

    def __init__(self, columns: pl.DataFrame, targets: np.ndarray, is_train: np.ndarray) -> None:
        self.columns = columns
        self.targets = targets
        self.wanted = outcomes(targets)
        self.training_rows = _divisions(is_train)
        self._explained: dict[str, Explained] = {}

    def strength_of(self, name: str) -> Explained:
        """How much a single column explains; measured once."""
        if name not in self._explained:
            result = estimate_strength(self.columns[name], self.wanted, self.training_rows)
            self._explained[name] = result
        return self._explained[name]

    def elements_explained(self, field: Field) -> Iterator[Explained]:
        """How much each element explains, of a column with several values in a row."""
        size = wire_of(field.wire).size
        elements = self.columns[field.name].reshape((-1, size))
        for index in range(size):
            numbers = elements.arr.get(index).cast(pl.Float64).fill_nan(None)
            yield estimate_strength(numbers, self.wanted, self.training_rows)


def _divisions(is_train: np.ndarray) -> list[np.ndarray]:
    """Masks of training rows: the split of the config, or folds if it holds out too few rows."""
    if len(is_train) - is_train.sum() >= MIN_HELD_OUT_ROWS:
        return [is_train]
    folds = np.random.default_rng(0).permutation(len(is_train)) % FOLDS
    return [folds != fold for fold in range(FOLDS)]


def _skipped_search(rows: int) -> Leak:
    return Leak(
        "warning",
        f"the search for leaks was skipped: it needs {MIN_TABLE_ROWS} rows, the table has {rows}",
        "Check by hand that each column is known at prediction time",
    )


def _level(result: Explained) -> Literal["error", "warning"] | None:
    if result.share >= LEAK_SHARE and result.lower >= LEAK_LOWER_END:
        return "error"
    return "warning" if result.share >= SUSPICIOUS_SHARE else None


def _strong_columns(sample: _Sample, fields: Sequence[Field], rules: LeakRules) -> Iterator[Leak]:
    for field in fields:
        if field.name in rules.accept:
            continue
        result = sample.strength_of(field.name)
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
                f"If it is unknown at prediction time, remove it from prepare.{section};"
                " otherwise add it to prepare.leaks.accept",
            )
        elif _numbered_by_target(field, sample.columns[field.name], result):
            yield Leak(
                "error",
                f"{what}, although it is an identifier of the rows",
                "The table seems to be sorted or numbered by the target. Remove the column from"
                " prepare.columns, or add it to prepare.leaks.accept",
            )


def _numbered_by_target(field: Field, values: pl.Series, result: Explained) -> bool:
    return (
        result.share >= IDENTIFIER_SHARE
        and field.type not in MEASURED_TYPES
        and _identifies(values)
    )


def _strong_elements(sample: _Sample, fields: Sequence[Field], rules: LeakRules) -> Iterator[Leak]:
    for field in fields:
        if field.name in rules.accept:
            continue
        for index, result in enumerate(sample.elements_explained(field)):
            level = _level(result)
            if level:
                yield Leak(
                    level,
                    f"element {index} of column {field.name!r} alone explains {result.share:.1%}"
                    " of the target in held-out rows",
                    "If it is unknown at prediction time, remove the column from prepare.columns;"
                    " otherwise add it to prepare.leaks.accept",
                )


def _strong_combinations(
    sample: _Sample, fields: Sequence[Field], target: Target, rules: LeakRules
) -> Iterator[Leak]:
    """A sum of columns, or a function of two columns, that explains the target."""
    fields = [field for field in fields if field.name not in rules.accept]
    if len(fields) < 2:
        return
    sums = []
    if usual_task(target).is_number:
        numeric = [field.name for field in fields if is_numeric(field)]
        sums = list(_leaking_sums(sample, numeric))
    yield from sums or _leaking_pairs(sample, [field.name for field in fields])


def _leaking_pairs(sample: _Sample, names: Sequence[str]) -> Iterator[Leak]:
    alone = {name: sample.strength_of(name).share for name in names}
    columns = sample.columns.select(names)
    for pair in leaking_pairs(columns, sample.wanted, sample.training_rows, alone):
        level = _level(pair.result)
        if level:
            yield Leak(
                level,
                f"{pair.formula} explains {pair.result.share:.1%} of the target in held-out rows",
                "If one of the two is unknown at prediction time, remove it from prepare.columns;"
                " otherwise add one of them to prepare.leaks.accept",
            )


def _leaking_sums(sample: _Sample, names: Sequence[str]) -> Iterator[Leak]:
    is_train = sample.training_rows[0]
    if len(names) < 2:
        return
    values = sample.columns.select(pl.col(names).fill_nan(None).fill_null(0.0)).to_numpy()
    values = np.clip(values, -LARGEST_NUMBER, LARGEST_NUMBER)  # their squares are finite
    targets = np.clip(sample.targets, -LARGEST_NUMBER, LARGEST_NUMBER)
    signs = needed_signs(nearest_sum(values, targets, is_train), values, targets, is_train)
    share = explained_share(values @ signs, targets, is_train)
    if np.abs(signs).sum() < 2 or share < LEAK_SHARE:
        return
    by_sign = sorted(zip(signs, names, strict=True), key=lambda pair: -pair[0])
    terms = [f"{'-' if sign < 0 else '+'} {name!r}" for sign, name in by_sign if sign]
    yield Leak(
        "error",
        f"columns {' '.join(terms).removeprefix('+ ')} add up to {share:.1%} of the target in"
        " held-out rows",
        "Remove columns that are unknown at prediction time from prepare.columns; add the others"
        " to prepare.leaks.accept",
    )


def _identifies(values: pl.Series) -> bool:
    """Whether nearly all values are distinct, and texts or whole numbers."""
    present = values.drop_nulls()
    if present.n_unique() < DISTINCT_SHARE * len(values):
        return False
    return present.dtype == pl.String or bool((present == present.round()).all())


def _duplicates(
    rows: pl.LazyFrame, is_train: np.ndarray, columns: Sequence[str], witness: str
) -> Iterator[Leak]:
    share = duplicate_share(rows, is_train, columns, witness)
    if share >= DUPLICATE_SHARE:
        yield Leak(
            "error" if share >= MANY_DUPLICATES else "warning",
            f"{share:.1%} of the held-out rows duplicate a training row, ignoring case and blanks",
            "Remove duplicates from the table, keep rows of one origin in one split with"
            " `prepare.split: {type: group}`, or set `duplicates: drop` in prepare.rows, or"
            " `repeated_rows: accept` in prepare.leaks",
        )
