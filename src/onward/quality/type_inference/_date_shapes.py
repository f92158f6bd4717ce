"""The formats that read a text as a date."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache

import polars as pl

from onward.preprocessing.columns import WEEK, date_pattern, moments
from onward.schema import Field

DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%Y", "%m/%d/%Y"),
    *("%d.%m.%Y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d"),
    *("%d.%m.%y", "%d-%b-%Y", "%d %b %Y", "%d/%b/%Y", "%d-%b-%y", "%d %b %y", "%d %B %Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%Y-%b-%d", "%a, %d %b %Y"),
    *("%A, %d %B %Y", "%A, %B %d, %Y", "%a %d %b %Y", "%Y%m%d", "%b-%d-%Y"),
)
MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%b %Y", "%B %Y", "%b-%Y")
CLOCKS = ("%H:%M:%S", "%H:%M", "%H%M%S", "%H.%M.%S", "%I:%M:%S %p", "%I:%M %p", "%I:%M%p", "%H")
SEPARATORS = (" ", "T", ", ", ":")
ZONES = ("", "%z", " %z", " UTC", " GMT", "Z")
WHOLE = ("%Y%m%d%H%M%S", "%a %b %d %H:%M:%S %Y", "%Y%m%d%H%M")
ISO = "iso"
ISO_SHAPE = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
)
NOTHING = "(?!)"  # matches no text
SHORTEST, LONGEST = 6, 45  # letters of a date
EXAMPLES = 64  # distinct values whose formats are counted
FEWEST = 0.1  # share of the examples from which a format is tried
SHARE = 0.9  # of the values in one format, from which the column has it
SPANS = 3  # times as many days: dates span decades if a day is read as a year
UNCLEAR = 100  # distinct dates; among as many, a few that fit one format only decide nothing

UNREADABLE = {
    WEEK: ("ISO weeks", "write the first day of each"),
    r"^[0-9]{4}-?Q[1-4]$|^Q[1-4][- /][0-9]{4}$": ("quarters", "write the first day of each"),
    r"^[0-9]{1,2}[A-Za-z]{3}[0-9]{2,4}\b": ("dates", "write them"),
    r"^[0-9]{1,2}\.? \p{L}{3,12}\.? [0-9]{4}\b": ("dates in words", "write them"),
    r"^[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日": ("dates", "write them"),
    r"^[A-Za-z]{3}[- ][0-9]{2}$|^[0-9]{2}[- ][A-Za-z]{3}$": ("days or months", "write them"),
}
"""Dates that no format reads: their kind, and how to convert them."""
TIMES = r"^([01]?[0-9]|2[0-3])[:.][0-5][0-9]([:.][0-5][0-9]([.,][0-9]+)?)?( ?[AaPp][Mm])?$"
SOME_DATE = (
    r"^([0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2,4}|[0-9]{4}[/.-][0-9]{1,2}[/.-][0-9]{1,2}"
    r"|[A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4}|[0-9]{1,2}[- ][A-Za-z]{3,9}[- ][0-9]{2,4})\b"
)


@dataclass(frozen=True)
class Reading:
    """The distinct values read in one format."""

    format: str
    dates: pl.Series
    """Null if the format does not fit."""
    share: float
    """Share of the rows with a value that fit."""

    @property
    def ends(self) -> str:
        """The first and the last day."""
        days = self.dates.dt.strftime("%Y-%m-%d").drop_nulls().sort()
        return f"from {days[0]} to {days[-1]}"

    @property
    def span(self) -> float:
        """From the first to the last, in seconds."""
        if not self.share:
            return 0.0
        return float((self.dates.max() - self.dates.min()).total_seconds())  # type: ignore[operator,union-attr]


def readings(values: pl.Series, counts: pl.Series) -> list[Reading]:
    """The formats that fit most values, the best first."""
    examples = values.gather(values.hash().arg_sort().head(EXAMPLES))  # the same in each run
    votes = Counter(form for text in examples for form in formats_of(text))
    rows, candidates = int(counts.sum()), []
    for form, count in votes.items():
        if count >= FEWEST * len(examples):
            dates = moments(Field("", "datetime", "text", settings={"format": form}), values)
            share = int(counts.filter(dates.is_not_null()).sum()) / rows
            candidates.append(Reading(form, dates, share))
    return sorted(candidates, key=lambda reading: (-reading.share, reading.span, reading.format))


def is_ambiguous(best: Reading, other: Reading) -> bool:
    """Whether the values fit two formats with different meanings."""
    if best.dates.equals(other.dates) or other.share <= SHARE:
        return False
    if best.format.startswith("%y") != other.format.startswith("%y"):
        return SPANS * best.span > other.span
    return best.share == other.share or len(best.dates) >= UNCLEAR


@lru_cache(maxsize=4096)
def formats_of(text: str) -> tuple[str, ...]:
    """The formats that a text fits, each with another meaning.

    Example:
        >>> formats_of("03-01-2024 08:17")
        ('%d-%m-%Y %H:%M', '%m-%d-%Y %H:%M')
    """
    if not SHORTEST <= len(text) <= LONGEST or not re.search("[0-9]", text):
        return ()
    if re.match(ISO_SHAPE, text):
        return (ISO,)
    known = [form for form in (*MONTHS, *WHOLE) if _pattern(form).fullmatch(text)]
    for date in DATES:
        match = _pattern(date).match(text)
        rest = text[match.end() :] if match else ""
        forms = [date + tail for tail in _tails(rest)] if match else []
        known += [form for form in forms if _pattern(form).fullmatch(text)]
    return tuple(known)


def _tails(rest: str) -> list[str]:
    """Formats of the rest of a text after a date."""
    marks = [mark for mark in SEPARATORS if rest.startswith(mark)]
    clocks = [f"{mark}{clock}{zone}" for mark in marks for clock in CLOCKS for zone in ZONES]
    return ["", *(tail for tail in clocks if not tail.endswith("Z") or "%M" in tail)]


@cache
def _pattern(form: str) -> re.Pattern[str]:
    try:
        return re.compile(date_pattern(form))
    except ValueError:
        return re.compile(NOTHING)
