"""Rules that recognize dates."""

import polars as pl

from onward.quality.type_inference._column_summary import ColumnSummary, quote
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
from onward.quality.type_inference._guess import Guess, leave_out, read_as
from onward.quality.type_inference._marks import USUAL, odd_words, sentinels_among

SAMPLE = 256  # distinct values to look at for times and unreadable dates
PLAUSIBLE = (1900, 2100)  # years; eight digits are a date only within them
FEW = 5  # distinct numbers of eight digits; fewer may be dates by chance
DISTANT = pl.datetime(2262, 1, 1), pl.datetime(1000, 1, 1)
"""Programs write dates beyond these for "never"."""
REMEDY = "YYYY-MM-DD"
FIRST = {"%d": ", day first", "%m": ", month first"}


def date_guess(summary: ColumnSummary) -> Guess | None:
    """A column of dates, or one that is left out because its dates are ambiguous or unreadable."""
    candidates = readings(summary.values, summary.counts) if summary.distinct else []
    if not candidates or candidates[0].share <= USUAL:
        return _unreadable(summary) or _several(summary)
    best = candidates[0]
    if best.format == "%Y%m%d" and not _is_plausible(best):
        return None
    words = odd_words(summary.values, summary.counts, best.dates.is_not_null())
    codes = sentinels_among(summary.values.filter(best.dates.is_null()))
    marks = [*words, *codes, *_never(summary.values, best)]
    if marks:
        summary = summary.without(marks)
        return date_guess(summary) if summary.distinct else None
    if best.share < SHARE:
        return _several(summary)
    rivals = [reading for reading in candidates[1:] if is_ambiguous(best, reading)]
    return _ambiguous(summary, [best, *rivals]) if rivals else _datetime(summary, best)


def _datetime(summary: ColumnSummary, best: Reading) -> Guess:
    usual = summary.values.filter(best.dates.is_not_null())
    if best.format == ISO:
        reason = f"dates from {usual.min()!s} to {usual.max()!s}"
    else:
        order = FIRST.get(best.format[:2], "")
        reason = f"dates such as {quote(summary.first_of(usual))}{order}, {best.ends}"
    wrong = summary.values.filter(best.dates.is_null())
    if len(wrong):
        reason = summary.exceptions(wrong, reason)
        reason += ", which `prepare` refuses: correct the table, or add `malformed: missing`"
    settings = {} if best.format == ISO else {"format": best.format}
    return read_as(summary, "datetime", reason, **settings)


def _ambiguous(summary: ColumnSummary, candidates: list[Reading]) -> Guess:
    formats = " or ".join(f'`format: "{reading.format}"`' for reading in candidates)
    return leave_out(
        summary.name,
        f"ambiguous dates such as {quote(summary.first)}; to use them, declare a datetime with"
        f" {formats}, or write them as {REMEDY}",
    )


def _several(summary: ColumnSummary) -> Guess | None:
    """Dates in several formats, none of which most of them have."""
    is_date = summary.values.str.contains(SOME_DATE)
    if summary.share(is_date) <= USUAL:
        return None
    dates = summary.values.filter(is_date)
    shape = dates.str.replace_all("[0-9]+", "0").str.replace_all("[a-z]+", "a")
    first = summary.first_of(dates)
    others = dates.filter(shape != shape[int(dates.index_of(first) or 0)])
    others = others if len(others) else dates.filter(dates != first)
    values = [first, *([summary.first_of(others)] if len(others) else [])]
    examples = " and ".join(f"{quote(text)} in row {summary.row(text):,}" for text in values)
    return leave_out(
        summary.name,
        f"dates in several formats, such as {examples}; write all as {REMEDY} to use them",
    )


def _unreadable(summary: ColumnSummary) -> Guess | None:
    sample = summary.values.head(SAMPLE)
    if sample.str.contains(TIMES).mean() > USUAL:  # type: ignore[operator]
        return _times(summary)
    for pattern, (kind, remedy) in UNREADABLE.items():
        if not sample.str.contains(pattern).any():
            continue
        if summary.share(summary.values.str.contains(pattern)) >= SHARE:
            reason = f"{kind} such as {quote(summary.first)}, which no `format` reads;"
            return leave_out(summary.name, f"{reason} {remedy} as {REMEDY} to use them")
    return None


def _times(summary: ColumnSummary) -> Guess | None:
    if summary.share(summary.values.str.contains(TIMES)) < SHARE:
        return None
    reason = f"times of day such as {quote(summary.first)}, which no column type supports yet"
    return leave_out(summary.name, f"{reason}; write them as hours, such as 18.5, to use them")


def _is_plausible(reading: Reading) -> bool:
    years = reading.dates.drop_nulls().dt.year()
    return len(years) >= FEW and bool(years.is_between(*PLAUSIBLE).all())


def _never(values: pl.Series, reading: Reading) -> list[str]:
    """Dates such as 9999-12-31 that stand for "never", among recent dates."""
    dates = reading.dates.to_frame("date")
    is_distant = dates.select((pl.col("date") >= DISTANT[0]) | (pl.col("date") < DISTANT[1]))
    distant = values.filter(is_distant.to_series().fill_null(value=False))
    return distant.to_list() if len(distant) <= 2 and len(distant) < len(values) / 2 else []
