"""Inference of column types."""

import re
from collections.abc import Callable, Collection
from dataclasses import replace

import polars as pl

from onward.preprocessing.graph import PREFIX
from onward.quality.type_inference._column_summary import ColumnSummary, quote, summarize
from onward.quality.type_inference._date_rules import date_guess
from onward.quality.type_inference._guess import (
    Guess,
    leave_out,
    read_as,
    read_as_category,
    rows_of_rare_values,
)
from onward.quality.type_inference._marks import USUAL
from onward.quality.type_inference._misspellings import similar_spellings
from onward.quality.type_inference._number_rules import (
    FEW,
    number_guess,
    numbering_guess,
    quantity_guess,
)
from onward.tasks import output_names

PAIRS = ("0 1", "0.0 1.0", "false true", "no yes", "f t", "n y", "off on")
FEWEST, RAREST = 5, 0.01  # rows and share; fewer exceptions from a constant may be in no split
FOOTER = r"(?i)((grand|sub)[ -]?)?totals?\b|sum\b|summe\b|gesamt|insgesamt|итого|合计"
MANY_NUMBERS = 0.2  # share among texts from which the reason mentions them
MOST_WORDS = 15  # mean; longer values are free text, even if they recur
MANY, WORDS = 256, 256  # distinct texts from which words become features, and how many words
RARE = 0.25  # share of rows whose text is in few rows, from which on words become features, too
LONG_WHOLE = r"^[+-]?[1-9][0-9]{15,}$"  # may be 2^53 or more, where float64 rounds


def infer(
    frame: pl.DataFrame,
    classes: pl.Series | None = None,
    decimal: str = ".",
    names: Collection[str] | None = None,
    training_share: float = 1.0,
) -> list[Guess]:
    """A guess for each column of the frame, in its order.

    Args:
        frame: columns as in the file: text from a CSV file, any type from others.
        classes: the target, unless it is a number, to find columns that determine it.
        decimal: the decimal mark of the file.
        names: the columns to infer; by default all.
        training_share: of the rows, which categories are counted in.

    Example:
        >>> [guess] = infer(pl.DataFrame({"size": ["1.5", "?", "7", "12"]}))
        >>> guess.type, guess.missing, guess.reason
        ('numerical', ('?',), "numbers from 1.5 to 12; missing in 1 of 4 rows, written '?'")
    """
    guesses: list[Guess] = []
    seen: dict[int, str] = {}
    for column in frame.get_columns():
        key = hash((str(column.dtype), *map(str, column.head(1000))))
        twin = seen.setdefault(key, column.name)
        if names is not None and column.name not in names:
            continue
        if reason := _unusable(column, frame[twin], classes):
            guesses.append(leave_out(column.name, reason))
        else:
            guess = _guess(column, decimal, training_share)
            guesses.append(replace(guess, reason=guess.reason + _footer(column)))
    return guesses


def _unusable(column: pl.Series, twin: pl.Series, classes: pl.Series | None) -> str:
    """Why a column is left out whatever its values; empty if it is not."""
    if column.name in output_names() or column.name.startswith(PREFIX):
        return "reserved name; rename the column to use it"
    if _is_unreadable(column.dtype):  # first: comparing values of such types may fail
        return f"holds {column.dtype}, which no built-in column type reads"
    if twin.name != column.name and column.equals(twin, null_equal=True):
        return f"identical to {twin.name!r}"
    if classes is not None and _repeats(column, classes):
        return "another spelling of the target: one value for each class"
    return ""


def _is_unreadable(dtype: pl.DataType) -> bool:
    return dtype.is_nested() or dtype in (pl.Binary, pl.Time, pl.Duration, pl.Object)


def _footer(column: pl.Series) -> str:
    """A hint on a last row with the sum of the others."""
    last = str(column[-1]) if len(column) and column.dtype == pl.String else ""
    if not re.match(FOOTER, last.strip()) or int((column == last).sum()) > 1:
        return ""
    return f"; the last row is {quote(last)}: remove it if it is the sum of the others"


def _repeats(column: pl.Series, classes: pl.Series) -> bool:
    """Whether each value belongs to one class and each class to one value."""
    if len(column) < FEW or column.null_count() or column.n_unique() != classes.n_unique():
        return False
    pairs = pl.DataFrame([column.alias("value"), classes.alias("class")])
    return pairs.n_unique() == classes.n_unique()


def _guess(column: pl.Series, decimal: str, training_share: float) -> Guess:
    if column.dtype in (pl.Date, pl.Datetime):
        return Guess(column.name, "datetime", f"stored as {column.dtype}")
    if column.dtype == pl.Boolean:
        column = column.cast(pl.Int8)  # travels as a number
    if column.dtype.is_float():
        column = column.fill_nan(None)
    summary = summarize(column, decimal, training_share)
    return next(guess for rule in RULES if (guess := rule(summary)))


def _constant(summary: ColumnSummary) -> Guess | None:
    if not summary.distinct:
        return leave_out(summary.name, "all values are missing")
    if summary.distinct == 1:
        where = "every row" if summary.present == summary.rows else "every row with a value"
        return leave_out(summary.name, f"{quote(summary.values[0])} in {where}")
    usual = int(summary.counts.arg_max() or 0)
    exceptions = summary.present - int(summary.counts[usual])
    if exceptions < min(FEWEST, RAREST * summary.present):
        value = quote(summary.values[usual])
        reason = f"{value} in all but {exceptions} of {summary.present:,} rows"
        return leave_out(summary.name, reason)
    return None


def _boolean(summary: ColumnSummary) -> Guess | None:
    values = sorted(summary.values, key=str.lower) if summary.distinct == 2 else []
    if " ".join(values).lower() not in PAIRS:
        return None
    reason = f"two values, {values[0]!r} and {values[1]!r}"
    if summary.number_share == 1:
        return read_as(summary, "boolean", reason)
    false, true = ((value,) for value in values)
    return read_as(summary, "boolean", reason, true_values=true, false_values=false)


def _categorical(summary: ColumnSummary) -> Guess | None:
    if summary.recurring < USUAL or summary.words > MOST_WORDS:
        return None
    reason = f"{summary.distinct:,} distinct {_noun(summary)}{_numbers_among(summary)}"
    is_free = summary.words >= 2 and summary.distinct >= MANY  # such texts have no one spelling
    if is_free or (summary.words >= 2 and rows_of_rare_values(summary) >= RARE):
        found = read_as_category(summary, f"{reason} of several words", words=WORDS)
    else:
        found = read_as_category(summary, reason)
    if is_free:
        return found
    return replace(found, spellings=similar_spellings(summary.values, summary.counts))


def _text(summary: ColumnSummary) -> Guess:
    count = f"{summary.distinct:,} distinct {_noun(summary)} in {summary.present:,} rows"
    count += _numbers_among(summary)
    if summary.words >= 2:
        reason = f"{count}: free text, which no column type supports yet"
        return leave_out(summary.name, reason)
    return leave_out(summary.name, f"{count}: probably an identifier")


def _noun(summary: ColumnSummary) -> str:
    is_whole = summary.numbers.is_not_null() | summary.values.str.contains(LONG_WHOLE)
    return "whole numbers beyond 2^53" if is_whole.all() else "texts"


def _numbers_among(summary: ColumnSummary) -> str:
    """The share of numbers and the first text, if many are numbers."""
    if not MANY_NUMBERS < summary.number_share < 1:
        return ""
    texts = summary.values.filter(summary.numbers.is_null())
    return f" ({summary.exceptions(texts, f'{summary.number_share:.0%} are numbers')})"


RULES: tuple[Callable[[ColumnSummary], Guess | None], ...] = (
    *(_constant, _boolean, date_guess, numbering_guess, quantity_guess),
    *(number_guess, _categorical, _text),
)
"""The first rule with a guess decides."""
