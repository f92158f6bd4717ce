"""Texts and numbers that stand for missing values."""

import re

import polars as pl

from onward.table.sources import numbers_in

# lower case, without blanks around them
MARKS = frozenset(
    {"", "-", "--", "---", ".", "..", "?", "??", r"\n", "#n/a", "#na", "<na>", "<null>", "<nil>"}
    | {"(null)", "[null]", "(blank)", "n/a", "n.a.", "null", "#null!"}
    | {"error", "unknown", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "0000-00-00"}
    | {"0000-00-00 00:00:00"}
)
EXACT = frozenset({"NA", "na", "NaN", "nan", "NAN", "NaT"})
"""Case-sensitive: Na and Nan are names."""
MAY_BE_A_VALUE = r"^(?i)([-.?]{1,3}|[a-z ]+)$"
"""Marks that are values if there is only one other value."""
WORDS = frozenset({"none", "nil", "missing", "not available", "undefined", "(none)", "<none>"})
"""Missing values in a column, but possibly a class of a target."""

MOST_ODD = 5  # distinct words among numbers that are read as missing; more indicate categories
MOSTLY = 0.8  # share of numbers from which such words are exceptions
USUAL = 0.5  # the same if there are many distinct numbers
MANY_NUMBERS = 20  # distinct; more than categories have
FEWEST_NUMBERS = 3  # distinct; fewer are not a column of numbers
FAR = 5.0  # times the other numbers; a sentinel is at least this large
NINES = r"^[+-]?9{2,}([.]9*0*)?$"
SHORT_NINES = r"^[+]?99([.]0*)?$"  # an age, or a percentage
ROUND = r"^[+-]?1(\.0*)?e[+]?[0-9]{2,3}$|^[+-]?10{14,}([.]0*)?$"
LIMITS = (
    *(2.0**15 - 1, -(2.0**15), 2.0**16 - 1, 2.0**31 - 1, -(2.0**31), 2.0**32 - 1),
    *(2.0**63 - 1, -(2.0**63), 3.4028234663852886e38, -3.4028234663852886e38),
    *(1.7976931348623157e308, -1.7976931348623157e308),
)
"""The limits of number types, which programs write for missing values."""
ROUNDED = 1e-6  # relative error of a limit that is written with fewer digits


def written_marks(values: pl.Series, *, is_target: bool) -> pl.Series:
    """The distinct values that usually stand for missing."""
    words = values.str.strip_chars()
    known = MARKS if is_target else MARKS | WORDS
    is_mark = words.str.to_lowercase().is_in(list(known)) | words.is_in(list(EXACT))
    marks = values.filter(is_mark)
    if len(values) - len(marks) < 2:  # "-" and "+" are two values
        may_be_value = words.str.contains(MAY_BE_A_VALUE) & (words != "")
        return marks.filter(~may_be_value.filter(is_mark))
    return marks


def odd_words(values: pl.Series, counts: pl.Series, is_usual: pl.Series) -> pl.Series:
    """The few words among many numbers, or many dates, such as ERROR.

    Args:
        values: distinct.
        counts: number of rows of each.
        is_usual: whether each is a number or a date.
    """
    odd = values.filter(~is_usual)
    others = len(values) - len(odd)
    share = int(counts.filter(is_usual).sum()) / max(1, int(counts.sum()))
    least = USUAL if others >= MANY_NUMBERS else MOSTLY
    has_digits = odd.str.contains(r"[0-9]").any()
    if len(odd) > MOST_ODD or share < least or others < FEWEST_NUMBERS or has_digits:
        return odd.clear()
    return odd


def sentinels(values: pl.Series) -> pl.Series:
    """Numbers such as -999 and 2147483647, far from all others."""
    numbers = numbers_in(values)
    known = numbers.drop_nulls()
    if len(known) <= MOST_ODD:
        odd = sentinels_among(values) if len(values) - len(known) >= FEWEST_NUMBERS else []
        return pl.Series(values.name, odd, pl.String)
    texts_of_ends = []
    for end in (float(known.min()), float(known.max())):  # type: ignore[arg-type]
        others = known.filter(known != end)
        texts = values.filter(numbers == end)
        if _is_sentinel(texts[0].strip(), end) and _is_far(end, others):
            texts_of_ends += texts.to_list()
    return pl.Series(values.name, texts_of_ends, pl.String)


def sentinels_among(texts: pl.Series) -> list[str]:
    """The texts that are sentinels, among values that are not numbers."""
    numbers = numbers_in(texts)
    pairs = zip(texts, numbers, strict=True)
    return [text for text, number in pairs if number and _is_sentinel(text.strip(), number)]


def _is_sentinel(text: str, number: float) -> bool:
    is_limit = any(abs(number - limit) <= ROUNDED * abs(limit) for limit in LIMITS)
    written = text.lower()
    if re.search(SHORT_NINES, written):
        return False
    return is_limit or bool(re.search(NINES, written) or re.search(ROUND, written))


def _is_far(end: float, others: pl.Series) -> bool:
    low, high = float(others.min()), float(others.max())  # type: ignore[arg-type]
    if end < 0 <= low:
        return True
    return abs(end) >= FAR * max(abs(low), abs(high))
