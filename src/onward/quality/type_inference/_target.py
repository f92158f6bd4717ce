"""Inference of the target."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onward.errors import DataError
from onward.quality.type_inference._column_summary import ColumnSummary, quote, summarize
from onward.quality.type_inference._date_rules import date_guess
from onward.quality.type_inference._misspellings import blank_variants, similar_spellings
from onward.quality.type_inference._units import units_of
from onward.schema import Target
from onward.table.spellings import meaning_of
from onward.tasks import usual_task

EXACT_BELOW = 2.0**53  # from here on float64 cannot represent all whole numbers

MOST_CLASSES = 10  # digits; more distinct whole numbers are amounts
ROWS_PER_CLASS = 10  # mean; with fewer, whole numbers are amounts, and texts are hard to learn
SKEWED = 3.0  # times the median; with a larger mean, numbers span several powers of ten
SLIGHTLY_SKEWED = 1.0  # skewness; with a larger one, the logarithm is worth trying
UNREAD = (pl.Binary, pl.Time, pl.Duration, pl.Object)
POSITIVE = frozenset({"1", "1.0", "on", "positive", "t", "true", "y", "yes"})  # lower case


@dataclass(frozen=True)
class TargetGuess:
    """The inferred kind and classes of the target."""

    target: Target
    reason: str
    logarithm: bool = False
    """Whether the logarithm is easier to predict."""
    may_be_logarithm: bool = False
    """Whether the logarithm is worth trying."""
    missing: int = 0
    """Rows without a value."""
    tokens: tuple[str, ...] = ()
    """Texts in the target that stand for a missing value, besides the empty one."""
    merged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Classes with the texts that differ from them only in blanks, which count as the class."""
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Classes with all probable spellings of them, for a user to confirm."""
    warning: str = ""
    """Why the target is hard to predict, and what to do."""

    @property
    def head(self) -> str:
        """The head of the usual task, which has its name."""
        return usual_task(self.target).name

    @property
    def similar_classes(self) -> dict[str, tuple[str, ...]]:
        """Classes that are probably the same, by their usual spelling, if not all of them are."""
        meanings, groups = meaning_of(self.spellings), dict[str, list[str]]()
        for name in self.target.classes:
            groups.setdefault(meanings.get(name, name), []).append(name)
        if len(groups) < 2:
            return {}
        return {usual: tuple(names) for usual, names in groups.items() if len(names) > 1}

    def canonical(self, values: pl.Series) -> pl.Series:
        """The column with one text for each class."""
        return values.cast(pl.String).replace(meaning_of(self.merged)) if self.merged else values


def infer_target(values: pl.Series) -> TargetGuess:
    """A guess from the column's values.

    Args:
        values: as in the file; the name is the column's.

    Raises:
        DataError: if the target is constant, or its values are neither numbers nor classes.

    Example:
        >>> infer_target(pl.Series("ill", ["no", "yes", "no"])).target.classes
        ('no', 'yes')
    """
    if values.dtype.is_nested() or values.dtype in UNREAD:
        raise DataError(
            f"target {values.name!r}: holds {values.dtype}, which is neither numbers nor classes."
            " Store it as numbers or text, or choose another target"
        )
    raw = summarize(_whole(values), is_target=True)
    blanks = blank_variants(raw.values)
    summary = raw.merged(blanks)
    _refuse_constant(summary, ", but for blanks" if blanks else "")
    few = summary.distinct <= min(MOST_CLASSES, summary.present / ROWS_PER_CLASS)
    is_class = summary.is_whole and (few or summary.distinct == 2)
    if summary.number_share == 1 and not is_class:
        return replace(_number(summary), tokens=summary.missing)
    spellings = similar_spellings(raw.values, raw.counts)
    guess = _classes(summary)
    return replace(guess, tokens=summary.missing, merged=blanks, spellings=spellings)


def _refuse_constant(summary: ColumnSummary, exception: str) -> None:
    if summary.distinct > 1:
        return
    problem = "all values are missing"
    if summary.distinct:
        problem = f"all {summary.present:,} values are the same{exception}"
    raise DataError(
        f"target {summary.name!r}: {problem}. Choose another target, or check that the table is"
        " complete"
    )


def _whole(values: pl.Series) -> pl.Series:
    """Convert floats that are all whole to integers, which have one spelling each."""
    if not values.dtype.is_float():
        return values
    present = values.fill_nan(None)
    is_whole = (present == present.floor()) & (present.abs() < EXACT_BELOW)
    return present.cast(pl.Int64) if is_whole.fill_null(value=True).all() else present


def _number(summary: ColumnSummary) -> TargetGuess:
    numbers = summary.numbers.to_numpy().repeat(summary.counts.to_numpy())
    lowest, highest = summary.ends()
    middle, mean = float(np.median(numbers)), float(numbers.mean())
    is_skewed = lowest > 0 and mean > SKEWED * middle
    reason = f"{summary.distinct:,} distinct numbers from {lowest:.6g} to {highest:.6g}"
    if is_skewed:
        reason += f"; the mean is {mean / middle:.1f} times the median, hence the logarithm"
    target = Target(summary.name, "number")
    missing = summary.rows - summary.present
    guess = TargetGuess(target, reason, is_skewed, missing=missing)
    return replace(
        guess, may_be_logarithm=lowest > 0 and not is_skewed and _has_less_skewed_logarithm(numbers)
    )


def _has_less_skewed_logarithm(numbers: NDArray[np.float64]) -> bool:
    """Whether positive numbers are skewed to the right, and their logarithms less."""
    skewness = _skewness(numbers)
    return skewness > SLIGHTLY_SKEWED and abs(_skewness(np.log(numbers))) < skewness


def _skewness(numbers: NDArray[np.float64]) -> float:
    """The third standardized moment; 0 if all numbers are the same."""
    scaled = numbers / max(np.abs(numbers).max(), np.finfo(np.float64).tiny)  # no cube overflows
    deviation = float(scaled.std())
    return float((((scaled - scaled.mean()) / deviation) ** 3).mean()) if deviation else 0.0


def _classes(summary: ColumnSummary) -> TargetGuess:
    _refuse_no_classes(summary)
    missing = summary.rows - summary.present
    classes, reason = _pair(summary) if summary.distinct == 2 else _several(summary)
    target = Target(summary.name, "classes", classes)
    return TargetGuess(target, reason, missing=missing, warning=_many_classes(summary))


def _many_classes(summary: ColumnSummary) -> str:
    mean = summary.present / summary.distinct
    if summary.distinct <= MOST_CLASSES or mean >= ROWS_PER_CLASS:
        return ""
    return (
        f"{summary.distinct:,} classes have {mean:.1f} rows each on average, too few to learn from."
        " Merge rare classes in the table, or choose another target"
    )


def _refuse_no_classes(summary: ColumnSummary) -> None:
    wrong = summary.values.filter(summary.numbers.is_null())
    if summary.distinct > MOST_CLASSES and 0.5 < summary.number_share < 1:
        rows, first = summary.rows_of(wrong), summary.first_of(wrong)
        raise DataError(
            f"target {summary.name!r}: {rows:,} of {summary.present:,} values are not numbers,"
            f" unlike the others; the first is {quote(first)} in row {summary.row(first)}. Correct"
            " them in the table"
        )
    if summary.distinct > MOST_CLASSES and units_of(
        summary.values, summary.counts, summary.decimal
    ):
        raise DataError(
            f"target {summary.name!r}: {summary.distinct} distinct values such as"
            f" {quote(summary.first)} have units, which are converted in columns only. Write the"
            " target as plain numbers in one unit"
        )
    if summary.distinct > MOST_CLASSES and date_guess(summary) is not None:
        raise DataError(
            f"target {summary.name!r}: {summary.distinct:,} distinct values such as"
            f" {quote(summary.first)} are dates or times, which are neither numbers nor classes."
            " Write them as numbers, such as days since a fixed date, or choose another target"
        )
    if summary.distinct > summary.present / 2 and summary.distinct > 2:
        raise DataError(
            f"target {summary.name!r}: {summary.distinct} distinct values in {summary.present} rows"
            f" are neither numbers nor classes; the first is {quote(summary.first)}. Correct the"
            " column, or choose another target"
        )


def _several(summary: ColumnSummary) -> tuple[tuple[str, ...], str]:
    values = sorted(summary.values)
    if summary.number_share == 1:
        values.sort(key=float)
    return tuple(values), f"{len(values)} distinct values"


def _pair(summary: ColumnSummary) -> tuple[tuple[str, ...], str]:
    """The two classes, the positive one last."""
    counts = dict(sorted(zip(summary.values, summary.counts, strict=True)))
    names = [value for value in counts if value.strip().lower() in POSITIVE]
    positive = names[0] if len(names) == 1 else min(counts, key=lambda value: counts[value])
    [negative] = counts.keys() - {positive}
    why = "by its name" if len(names) == 1 else "as the rarer one"
    share = counts[positive] / summary.present
    return (negative, positive), f"two values; {quote(positive)} ({share:.1%}) is positive, {why}"
