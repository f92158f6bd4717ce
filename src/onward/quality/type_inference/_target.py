"""What the target seems to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from onward.errors import DataError
from onward.quality.type_inference._column_summary import Sight, look, shown
from onward.quality.type_inference._misspellings import suggested
from onward.quality.type_inference._units import units_of
from onward.schema import Target
from onward.tasks import usual_task

ROUNDED = 2.0**53  # from here on, different whole numbers can be the same float64

MOST_CLASSES = 10  # digits; more distinct whole numbers are amounts
ROWS_PER_CLASS = 10  # on average; amounts in few rows are no classes
SKEWED = 3.0  # times the median: a mean from which on numbers span several powers of ten
UNREAD = (pl.Binary, pl.Time, pl.Duration, pl.Object)  # types that no target has
POSITIVE = frozenset({"1", "1.0", "on", "positive", "t", "true", "y", "yes"})  # lower case


@dataclass(frozen=True)
class TargetGuess:
    """What the target seems to be."""

    target: Target
    reason: str
    logarithm: bool = False
    """Whether the logarithm is easier to predict."""
    missing: int = 0
    """Rows without a value, which are to be removed."""
    tokens: tuple[str, ...] = ()
    """Texts found that mean there is no value, beside the empty one."""
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Classes, and others that look like the same in another spelling: for a person to confirm."""

    @property
    def head(self) -> str:
        """The head of the usual task, which has its name."""
        return usual_task(self.target).name


def infer_target(values: pl.Series) -> TargetGuess:
    """A guess from the column's values.

    Args:
        values: as in the file; the name is the column's.

    Raises:
        DataError: if there is nothing to predict, or the values are neither numbers nor classes.

    Example:
        >>> infer_target(pl.Series("ill", ["no", "yes", "no"])).target.classes
        ('no', 'yes')
    """
    if values.dtype.is_nested() or values.dtype in UNREAD:
        raise DataError(
            f"target {values.name!r}: holds {values.dtype}, which is neither numbers nor classes."
            " Store it as numbers or text, or choose another target"
        )
    sight = look(_whole(values), is_target=True)
    if sight.distinct < 2:
        raise DataError(
            f"target {sight.name!r}: {sight.present} of {sight.rows} rows have a value, and it"
            " is the same in all of them. Choose another target, or look for the missing rows"
        )
    few = sight.distinct <= min(MOST_CLASSES, sight.present / ROWS_PER_CLASS)
    is_class = sight.is_whole and (few or sight.distinct == 2)
    guess = _classes(sight) if sight.number_share < 1 or is_class else _number(sight)
    return replace(guess, tokens=sight.missing)


def _whole(values: pl.Series) -> pl.Series:
    """Floating-point numbers that are all whole, as integers, which have one spelling each."""
    if not values.dtype.is_float():
        return values
    present = values.fill_nan(None)
    is_whole = (present == present.floor()) & (present.abs() < ROUNDED)
    return present.cast(pl.Int64) if is_whole.fill_null(value=True).all() else present


def _number(sight: Sight) -> TargetGuess:
    numbers = sight.numbers.to_numpy().repeat(sight.counts.to_numpy())
    lowest, highest = sight.ends()
    middle, mean = float(np.median(numbers)), float(numbers.mean())
    is_skewed = lowest > 0 and mean > SKEWED * middle
    reason = f"{sight.distinct:,} distinct numbers from {lowest:.6g} to {highest:.6g}"
    if is_skewed:
        reason += f"; the mean is {mean / middle:.1f} times the median, hence the logarithm"
    target = Target(sight.name, "number")
    missing = sight.rows - sight.present
    return TargetGuess(target, reason, is_skewed, missing)


def _classes(sight: Sight) -> TargetGuess:
    wrong = sight.values.filter(sight.numbers.is_null())
    if sight.distinct > MOST_CLASSES and 0.5 < sight.number_share < 1:
        rows, first = sight.rows_of(wrong), sight.first_of(wrong)
        raise DataError(
            f"target {sight.name!r}: {rows:,} of {sight.present:,} values are no numbers,"
            f" and the others are; the first is {shown(first)} in row {sight.row(first)}."
            " Correct them in the table"
        )
    if sight.distinct > MOST_CLASSES and units_of(sight.values, sight.counts, sight.decimal):
        raise DataError(
            f"target {sight.name!r}: {sight.distinct} distinct values such as"
            f" {shown(sight.first)} are numbers with units, and only columns are converted."
            " Write the target as plain numbers, all in one unit"
        )
    if sight.distinct > sight.present / 2 and sight.distinct > 2:
        raise DataError(
            f"target {sight.name!r}: {sight.distinct} distinct values in {sight.present} rows"
            f" are neither numbers nor classes; the first is {shown(sight.first)}. Correct the"
            " column, or choose another target"
        )
    missing = sight.rows - sight.present
    classes, reason = _pair(sight) if sight.distinct == 2 else _several(sight)
    target = Target(sight.name, "classes", classes)
    spellings = suggested(sight.values, sight.counts)
    return TargetGuess(target, reason, missing=missing, spellings=spellings)


def _several(sight: Sight) -> tuple[tuple[str, ...], str]:
    values = sorted(sight.values)
    if sight.number_share == 1:
        values.sort(key=float)
    return tuple(values), f"{len(values)} distinct values"


def _pair(sight: Sight) -> tuple[tuple[str, ...], str]:
    """The second is the positive one."""
    counts = dict(sorted(zip(sight.values, sight.counts, strict=True)))
    names = [value for value in counts if value.strip().lower() in POSITIVE]
    positive = names[0] if len(names) == 1 else min(counts, key=lambda value: counts[value])
    [negative] = counts.keys() - {positive}
    why = "by its name" if len(names) == 1 else "being the rarer one"
    share = counts[positive] / sight.present
    return (negative, positive), f"two values; {shown(positive)} ({share:.1%}) is positive, {why}"
