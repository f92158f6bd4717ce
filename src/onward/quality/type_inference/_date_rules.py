"""When a column is one of dates."""

import polars as pl

from onward.quality.type_inference._column_summary import Sight, shown
from onward.quality.type_inference._date_shapes import (
    ISO,
    SHARE,
    SOME_DATE,
    TIMES,
    UNREADABLE,
    Reading,
    is_ambiguous,
    readings,
)
from onward.quality.type_inference._guess import Guess, left_out, typed
from onward.quality.type_inference._marks import USUAL, odd_words, sentinels_among

SAMPLE = 256  # distinct values; where none of them looks like a date, there are none
PLAUSIBLE = (1900, 2100)  # years; eight digits are a date if they are in them
FEW = 5  # distinct numbers of eight digits
DISTANT = pl.datetime(2262, 1, 1), pl.datetime(1000, 1, 1)
"""What programs write for never is beyond them."""
REMEDY = "YYYY-MM-DD"
FIRST = {"%d": ", day first", "%m": ", month first"}


def date_guess(sight: Sight) -> Guess | None:
    """A column of dates, or one that is left out since nobody can say which; None if it is none."""
    found = readings(sight.values, sight.counts) if sight.distinct else []
    if not found or found[0].share <= USUAL:
        return _unreadable(sight) or _several(sight)
    best = found[0]
    if best.format == "%Y%m%d" and not _is_plausible(best):
        return None
    words = odd_words(sight.values, sight.counts, best.dates.is_not_null())
    codes = sentinels_among(sight.values.filter(best.dates.is_null()))
    marks = [*words, *codes, *_never(sight.values, best)]
    if marks:
        sight = sight.without(marks)
        return date_guess(sight) if sight.distinct else None
    if best.share < SHARE:
        return _several(sight)
    rivals = [other for other in found[1:] if is_ambiguous(best, other)]
    return _ambiguous(sight, [best, *rivals]) if rivals else _datetime(sight, best)


def _datetime(sight: Sight, best: Reading) -> Guess:
    usual = sight.values.filter(best.dates.is_not_null())
    if best.format == ISO:
        reason = f"dates from {usual.min()!s} to {usual.max()!s}"
    else:
        order = FIRST.get(best.format[:2], "")
        reason = f"dates such as {shown(sight.first_of(usual))}{order}, {best.ends}"
    wrong = sight.values.filter(best.dates.is_null())
    if len(wrong):
        reason = sight.exceptions(wrong, reason)
        reason += ", which `prepare` refuses: correct the table, or add `malformed: missing`"
    settings = {} if best.format == ISO else {"format": best.format}
    return typed(sight, "datetime", reason, **settings)


def _ambiguous(sight: Sight, found: list[Reading]) -> Guess:
    ways = " or ".join(f'`format: "{reading.format}"`' for reading in found)
    return left_out(
        sight.name,
        f"dates such as {shown(sight.first)}, which mean different days in different places;"
        f" declare a datetime with {ways}, or write them as {REMEDY} to use them",
    )


def _several(sight: Sight) -> Guess | None:
    """Dates of which no way to write them is usual."""
    is_date = sight.values.str.contains(SOME_DATE)
    if sight.share(is_date) <= USUAL:
        return None
    dates = sight.values.filter(is_date)
    shape = dates.str.replace_all("[0-9]+", "0").str.replace_all("[a-z]+", "a")
    first = sight.first_of(dates)
    others = dates.filter(shape != shape[int(dates.index_of(first) or 0)])
    others = others if len(others) else dates.filter(dates != first)
    examples = [first, *([sight.first_of(others)] if len(others) else [])]
    ways = " and ".join(f"{shown(text)} in row {sight.row(text):,}" for text in examples)
    return left_out(
        sight.name,
        f"dates in several ways, such as {ways}; write them as {REMEDY} to use them",
    )


def _unreadable(sight: Sight) -> Guess | None:
    some = sight.values.head(SAMPLE)
    if some.str.contains(TIMES).mean() > USUAL:  # type: ignore[operator]
        return _times(sight)
    for pattern, (kind, remedy) in UNREADABLE.items():
        if not some.str.contains(pattern).any():
            continue
        is_it = sight.values.str.contains(pattern)
        if sight.share(is_it) >= SHARE:
            reason = f"{kind} such as {shown(sight.first)}, which no `format` reads;"
            return left_out(sight.name, f"{reason} {remedy} as {REMEDY} to use them")
    return None


def _times(sight: Sight) -> Guess | None:
    if sight.share(sight.values.str.contains(TIMES)) < SHARE:
        return None
    reason = f"times of day such as {shown(sight.first)}, for which there is no type of column yet"
    return left_out(sight.name, f"{reason}; write them as hours, such as 18.5, to use them")


def _is_plausible(reading: Reading) -> bool:
    years = reading.dates.drop_nulls().dt.year()
    return len(years) >= FEW and bool(years.is_between(*PLAUSIBLE).all())


def _never(values: pl.Series, reading: Reading) -> list[str]:
    """Dates such as 9999-12-31, if most others are of our days."""
    dates = reading.dates.to_frame("date")
    is_distant = dates.select((pl.col("date") >= DISTANT[0]) | (pl.col("date") < DISTANT[1]))
    distant = values.filter(is_distant.to_series().fill_null(value=False))
    return distant.to_list() if len(distant) <= 2 and len(distant) < len(values) / 2 else []
