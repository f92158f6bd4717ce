"""Formats of dates, as in strptime: ``%d-%m-%Y %H:%M``."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PIVOT = 69  # two-digit years from here on are in the 20th century, as in POSIX and Python
QUARTERS = ("00", "15", "30", "45")  # minutes of the offsets from UTC that are in use
HALVES = ("AM", "PM", "am", "pm")


def cases(words: tuple[str, ...], length: int | None = None) -> list[str]:
    """The words, or their first letters, in lower, upper and title case."""
    cut = [word[:length] for word in words]
    return [*cut, *map(str.upper, cut), *map(str.lower, cut)]


def _any(words: list[str]) -> str:
    return f"(?:{'|'.join(dict.fromkeys(words))})"


_TWO = "[0-9]{1,2}"
PIECES = {
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    "m": _TWO,
    "d": _TWO,
    "H": _TWO,
    "I": _TWO,
    "M": _TWO,
    "S": rf"{_TWO}(?:[.,][0-9]{{1,9}})?",
    "b": _any(cases(MONTHS, 3)),
    "B": _any(cases(MONTHS)),
    "a": _any(cases(DAYS, 3)),
    "A": _any(cases(DAYS)),
    "p": _any(list(HALVES)),
    "z": f"(?:[+-](?:[01][0-9]|2[0-3])(?::?{_any(list(QUARTERS))})?|Z)",
    "s": "[0-9]{9,10}",
    "Q": "[0-9]{12,13}",
}
"""What each directive matches, in RE2 and in Python."""
WIDTHS = {"Y": 4, **dict.fromkeys("ymdHMS", 2)}
"""Digits of what may stand together without a mark between."""
EPOCHS = ("%s", "%Q")
MEANINGS = {
    **dict.fromkeys("Yy", "year"),
    **dict.fromkeys("mbB", "month"),
    **dict.fromkeys("HI", "hour"),
    "d": "day",
    "M": "minute",
    "S": "second",
    "p": "half",
    "z": "zone",
}
"""The meaning of directives; none may occur twice."""
EXAMPLES = {
    "Y": "2000",
    "y": "00",
    **dict.fromkeys("md", "01"),
    **dict.fromkeys("HMS", "00"),
    "I": "12",
    "b": "Jan",
    "B": "January",
    "a": "Sat",
    "A": "Saturday",
    "p": "AM",
    "z": "+00:00",
    "s": "946684800",
    "Q": "946684800000",
}


WEEK = r"^[0-9]{4}-?W[0-5][0-9](-?[1-7])?$"
"""A week of ISO 8601, such as 2024-W07: read by no format, since the year may be another."""
WEEKS = "GVUWuw"
"""Directives of strptime for weeks."""
DAY_OF_WEEK = "Write the first day of each as YYYY-MM-DD"


@dataclass(frozen=True)
class Chunk:
    """The directives between two marks."""

    directives: str
    mark: str
    """Behind it; empty at the end of the text."""

    @property
    def digits(self) -> str:
        """The directives without the offset from UTC or the half of the day, which can be told."""
        return self.directives.removesuffix("z").removesuffix("p")


@dataclass(frozen=True)
class Format:
    """A format of dates."""

    chunks: tuple[Chunk, ...]

    @property
    def directives(self) -> str:
        """The letters of the directives, in order."""
        return "".join(chunk.directives for chunk in self.chunks)

    @property
    def pattern(self) -> str:
        """What such a date looks like, as a whole; not whether there is such a day."""
        return "".join(_chunk_pattern(chunk) for chunk in self.chunks)

    @property
    def example(self) -> str:
        """An example of the format."""
        parts = ["".join(EXAMPLES[letter] for letter in c.directives) + c.mark for c in self.chunks]
        return "".join(parts)


def _chunk_pattern(chunk: Chunk) -> str:
    stand_together = len(chunk.digits) > 1
    pieces = [
        PIECES[letter].replace(_TWO, "[0-9]{2}") if stand_together else PIECES[letter]
        for letter in chunk.directives
    ]
    mark = " +" if chunk.mark.isspace() else re.escape(chunk.mark)
    return "".join(pieces) + mark


@lru_cache(maxsize=1024)
def parse_format(text: str) -> Format:
    """Parse a format.

    Raises:
        ValueError: if it is not valid.

    Example:
        >>> parse_format("%d.%m.%Y %H:%M").example
        '01.01.2000 00:00'
    """
    simple = re.sub("%S[.,]%f", "%S", text)  # a second may have a fraction anyway
    parts = re.split("%(.)", simple, flags=re.DOTALL)
    start, letters, marks = parts[0], parts[1::2], parts[2::2]
    unknown = [letter for letter in letters if letter not in PIECES]
    if unknown and unknown[0] in WEEKS:
        raise ValueError(f"format: no format reads weeks (%{unknown[0]}). {DAY_OF_WEEK}")
    if unknown:
        known = " ".join(f"%{letter}" for letter in PIECES)
        raise ValueError(f"format: unknown directive %{unknown[0]}. Known are {known}")
    if not letters or start:
        raise ValueError(f"format: {text!r} does not begin with a part of a date such as %Y")
    chunks, together = [], ""
    for index, (letter, mark) in enumerate(zip(letters, marks, strict=True), 1):
        together += letter
        if mark or index == len(letters):
            chunks.append(Chunk(together, mark))
            together = ""
    form = Format(tuple(chunks))
    _refuse_incomplete(form, text)
    for chunk in chunks:
        _refuse_unclear(chunk, text)
    return form


def _refuse_incomplete(form: Format, text: str) -> None:
    letters = form.directives
    if text in EPOCHS:
        return
    means = [MEANINGS[letter] for letter in letters if letter in MEANINGS]
    twice = [name for name, after in pairwise(sorted(means)) if name == after]
    needs = {"day": "month", "hour": "day", "minute": "hour", "second": "minute"}
    needs |= {"month": "year", "half": "hour", "zone": "minute"}
    absent = [needs[name] for name in means if name in needs and needs[name] not in means]
    if "s" in letters or "Q" in letters:
        raise ValueError(
            f"format: {text!r} counts from 1970 and cannot be combined with anything else"
        )
    if twice:
        raise ValueError(f"format: {text!r} has the {twice[0]} twice")
    if absent or "month" not in means:
        raise ValueError(f"format: {text!r} has no {(*absent, 'month')[0]}")
    if ("I" in letters) != ("p" in letters):
        raise ValueError(f"format: {text!r} has one of %I and %p. Use both or neither")


def _refuse_unclear(chunk: Chunk, text: str) -> None:
    """Refuse directives without a mark between them, or with a mark that may be part of a name."""
    if len(chunk.digits) > 1 and any(letter not in WIDTHS for letter in chunk.digits):
        raise ValueError(f"format: {text!r} needs a mark between %{' and %'.join(chunk.digits)}")
    has_name = any(letter in "bBaAp" for letter in chunk.directives)
    is_part = any(mark.isalnum() or mark in "+-" for mark in chunk.mark)
    if (has_name and chunk.mark[:1].isalpha()) or ("z" in chunk.directives and is_part):
        raise ValueError(f"format: {text!r} cannot be read: {chunk.mark!r} may be part of a name")


def date_pattern(text: str) -> str:
    """A regular expression for dates of the format.

    Raises:
        ValueError: if the format is not valid.
    """
    return parse_format(text).pattern
