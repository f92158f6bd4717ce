"""What the target seems to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from onward.errors import DataError
from onward.quality.type_inference._column_summary import Sight, look, shown
from onward.quality.type_inference._misspellings import suggested
from onward.quality.type_inference._units import units_of
from onward.schema import Target

MOST_CLASSES = 10  # digits; more distinct whole numbers are amounts
ROWS_PER_CLASS = 10  # on average; amounts in few rows are no classes
SKEWED = 3.0  # times the median: a mean from which on numbers span several powers of ten
POSITIVE = frozenset({"1", "1.0", "on", "positive", "t", "true", "y", "yes"})  # lower case


@dataclass(frozen=True)
class TargetGuess:
    """What the target seems to be."""

    target: Target
    head: str
    """Of the family of heads."""
    reason: str
    logarithm: bool = False
    """Whether the logarithm is easier to predict."""
    missing: int = 0
    """Rows without a value, which are to be removed."""
    tokens: tuple[str, ...] = ()
    """Texts found that mean there is no value, beside the empty one."""
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Classes, and others that look like the same in another spelling: for a person to confirm."""


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
    sight = look(values)
    if sight.distinct < 2:
        raise DataError(
            f"target {sight.name!r}: {len(sight.texts)} of {sight.rows} rows have a value, and it"
            " is the same in all of them. Choose another target, or look for the missing rows"
        )
    # fractions have more than one spelling, so that classes stored so have no names
    is_stored_as_fraction = values.dtype.is_float()
    few = sight.distinct <= min(MOST_CLASSES, len(sight.texts) / ROWS_PER_CLASS)
    is_number = sight.numbers is not None and (
        is_stored_as_fraction or not sight.is_whole or not (few or sight.distinct == 2)
    )
    guess = _number(sight) if is_number else _classes(sight, values)
    return replace(guess, tokens=sight.missing)


def _number(sight: Sight) -> TargetGuess:
    assert sight.numbers is not None
    numbers = sight.numbers.to_numpy()
    lowest, highest = sight.ends()
    middle, mean = float(sight.numbers.quantile(0.5) or 0), float(numbers.mean())
    is_skewed = lowest > 0 and mean > SKEWED * middle
    reason = f"{sight.distinct:,} distinct numbers from {lowest:.6g} to {highest:.6g}"
    if is_skewed:
        reason += f"; the mean is {mean / middle:.1f} times the median, hence the logarithm"
    target = Target(sight.name, "number")
    missing = sight.rows - len(sight.texts)
    return TargetGuess(target, "regression", reason, is_skewed, missing)


def _classes(sight: Sight, values: pl.Series) -> TargetGuess:
    wrong = sight.unreadable
    if 0 < len(wrong) < len(sight.texts) / 2 and sight.distinct > MOST_CLASSES:
        row = int((values.cast(pl.String) == wrong[0]).arg_max() or 0) + 1
        raise DataError(
            f"target {sight.name!r}: {len(wrong):,} of {len(sight.texts):,} values are no numbers,"
            f" and the others are; the first is {shown(wrong[0])} in row {row}."
            " Correct them in the table"
        )
    if sight.distinct > MOST_CLASSES and units_of(sight.texts, sight.decimal):
        raise DataError(
            f"target {sight.name!r}: {sight.distinct} distinct values such as"
            f" {shown(sight.texts[0])} are numbers with units, and only columns are converted."
            " Write the target as plain numbers, all in one unit"
        )
    if sight.distinct > len(sight.texts) / 2 and sight.distinct > 2:
        raise DataError(
            f"target {sight.name!r}: {sight.distinct} distinct values in {len(sight.texts)} rows"
            f" are neither numbers nor classes; the first is {shown(sight.texts[0])}. Correct the"
            " column, or choose another target"
        )
    missing = sight.rows - len(sight.texts)
    classes, reason = _pair(sight) if sight.distinct == 2 else _several(sight)
    head = "binary" if sight.distinct == 2 else "multiclass"
    target = Target(sight.name, "classes", classes)
    spellings = suggested(sight.texts)
    return TargetGuess(target, head, reason, missing=missing, spellings=spellings)


def _several(sight: Sight) -> tuple[tuple[str, ...], str]:
    values = sorted(sight.texts.unique())
    if sight.numbers is not None:
        values.sort(key=float)
    return tuple(values), f"{len(values)} distinct values"


def _pair(sight: Sight) -> tuple[tuple[str, ...], str]:
    """The second is the positive one."""
    counts = {value: int((sight.texts == value).sum()) for value in sorted(sight.texts.unique())}
    names = [value for value in counts if value.strip().lower() in POSITIVE]
    positive = names[0] if len(names) == 1 else min(counts, key=lambda value: counts[value])
    [negative] = counts.keys() - {positive}
    why = "by its name" if len(names) == 1 else "being the rarer one"
    share = counts[positive] / len(sight.texts)
    return (negative, positive), f"two values; {shown(positive)} ({share:.1%}) is positive, {why}"
