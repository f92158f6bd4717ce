"""What the columns of a table seem to be."""

import re
from collections.abc import Callable
from dataclasses import replace

import polars as pl

from onward.quality.type_inference._column_summary import Sight, look, shown
from onward.quality.type_inference._date_rules import date_guess
from onward.quality.type_inference._guess import Guess, left_out, typed
from onward.quality.type_inference._marks import USUAL
from onward.quality.type_inference._misspellings import suggested
from onward.quality.type_inference._number_rules import (
    FEW,
    number_guess,
    numbering_guess,
    quantity_guess,
)

PAIRS = ("0 1", "0.0 1.0", "false true", "no yes", "f t", "n y", "off on")
FEWEST, RAREST = 5, 0.01  # rows, and their share, from which on the training rows surely have some
FOOTER = r"(?i)((grand|sub)[ -]?)?totals?\b|sum\b|summe\b|gesamt|insgesamt|итого|合计"
MANY_NUMBERS = 0.2  # share among texts from which on they are named
MOST_WORDS = 15  # on average; longer is free text, even if it recurs
MANY, WORDS = 256, 256  # distinct texts, from which on their words count, too; and how many words


def infer(frame: pl.DataFrame, classes: pl.Series | None = None, decimal: str = ".") -> list[Guess]:
    """A guess for each column of the frame, in its order.

    Args:
        frame: columns as in the file: text from a CSV file, any type from others.
        classes: the target, if it is no number, to find columns that repeat it in other words.
        decimal: the decimal mark of the file.

    Example:
        >>> [guess] = infer(pl.DataFrame({"size": ["1.5", "?", "7", "12"]}))
        >>> guess.type, guess.missing, guess.reason
        ('numerical', ('?',), "numbers from 1.5 to 12; missing in 1 of 4 rows, as '?' say")
    """
    guesses: list[Guess] = []
    seen: dict[int, str] = {}
    for column in frame.get_columns():
        key = hash((str(column.dtype), *map(str, column.head(1000))))
        twin = seen.setdefault(key, column.name)
        if twin != column.name and column.equals(frame[twin], null_equal=True):
            guesses.append(left_out(column.name, f"the same as {twin!r} in every row"))
        elif classes is not None and _repeats(column, classes):
            reason = "says the target in other words, so it is known only when the answer is"
            guesses.append(left_out(column.name, reason))
        else:
            guess = _guess(column, decimal)
            guesses.append(replace(guess, reason=guess.reason + _footer(column)))
    return guesses


def _footer(column: pl.Series) -> str:
    """What to do about a last row that adds up the others."""
    last = str(column[-1]) if len(column) and column.dtype == pl.String else ""
    if not re.match(FOOTER, last.strip()) or int((column == last).sum()) > 1:
        return ""
    return f"; the last row says {shown(last)}: remove it from the table if it adds up the others"


def _repeats(column: pl.Series, classes: pl.Series) -> bool:
    """Whether each value belongs to one class and each class to one value."""
    if len(column) < FEW or column.null_count() or column.n_unique() != classes.n_unique():
        return False
    pairs = pl.DataFrame([column.alias("value"), classes.alias("class")])
    return pairs.n_unique() == classes.n_unique()


def _guess(column: pl.Series, decimal: str) -> Guess:
    if column.dtype in (pl.Date, pl.Datetime):
        return Guess(column.name, "datetime", f"stored as {column.dtype}")
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Time, pl.Duration, pl.Object):
        return left_out(column.name, f"holds {column.dtype}, which no type of column reads")
    if column.dtype == pl.Boolean:
        column = column.cast(pl.Int8)  # travels as a number
    if column.dtype.is_float():
        column = column.fill_nan(None)
    sight = look(column, decimal)
    return next(guess for rule in RULES if (guess := rule(sight)))


def _constant(sight: Sight) -> Guess | None:
    if not sight.distinct:
        return left_out(sight.name, "no row has a value")
    if sight.distinct == 1:
        where = "every row" if sight.present == sight.rows else "every row that has a value"
        return left_out(sight.name, f"{shown(sight.values[0])} in {where}")
    usual = int(sight.counts.arg_max() or 0)
    others = sight.present - int(sight.counts[usual])
    if others < min(FEWEST, RAREST * sight.present):
        what = f"{shown(sight.values[usual])} in all but {others} of {sight.present:,} rows"
        return left_out(sight.name, what)
    return None


def _boolean(sight: Sight) -> Guess | None:
    values = sorted(sight.values, key=str.lower) if sight.distinct == 2 else []
    if " ".join(values).lower() not in PAIRS:
        return None
    reason = f"two values, {values[0]!r} and {values[1]!r}"
    if sight.number_share == 1:
        return typed(sight, "boolean", reason)
    false, true = ((value,) for value in values)
    return typed(sight, "boolean", reason, true_values=true, false_values=false)


def _categorical(sight: Sight) -> Guess | None:
    if sight.recurring < USUAL or sight.words > MOST_WORDS:
        return None
    reason = f"{sight.distinct:,} distinct texts{_numbers_among(sight)}"
    if sight.distinct >= MANY and sight.words >= 2:
        return typed(sight, "categorical", f"{reason} of several words", words=WORDS)
    spellings = suggested(sight.values, sight.counts)
    return replace(typed(sight, "categorical", reason), spellings=spellings)


def _text(sight: Sight) -> Guess:
    count = f"{sight.distinct:,} distinct texts in {sight.present:,} rows{_numbers_among(sight)}"
    if sight.words >= 2:
        reason = f"{count}: free text, for which there is no type of column yet"
        return left_out(sight.name, reason)
    return left_out(sight.name, f"{count}: an id, or as good as one")


def _numbers_among(sight: Sight) -> str:
    """How many are numbers, where many are."""
    if not MANY_NUMBERS < sight.number_share < 1:
        return ""
    odd = sight.values.filter(sight.numbers.is_null())
    return f" ({sight.exceptions(odd, f'{sight.number_share:.0%} are numbers')})"


RULES: tuple[Callable[[Sight], Guess | None], ...] = (
    *(_constant, _boolean, date_guess, numbering_guess, quantity_guess),
    *(number_guess, _categorical, _text),
)
"""In the order in which they are asked; the first that answers decides."""
