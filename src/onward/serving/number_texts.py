"""Parse numbers in text, by the same rules as in tables."""

import re

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"[+-]?[0-9]+")
MISSING = frozenset({"nan", "+nan", "-nan"})
ROUNDED = 2.0**53  # from here on, different whole numbers can be the same float64


def number_of(text: str) -> float | None:
    """The number in a text, ignoring surrounding blanks; NaN for "nan".

    None if a table with this text would be refused: not a number, infinite, or with digits that a
    float64 would round.

    Example:
        >>> [number_of(text) for text in ("8", " -1.5e3 ", "1,5", "0x10", "1e999")]
        [8.0, -1500.0, None, None, None]
    """
    text = text.strip()
    if text.lower() in MISSING:
        return float("nan")
    if not NUMBER.fullmatch(text):
        return None
    number = float(text)
    is_rounded = abs(number) >= ROUNDED and WHOLE.fullmatch(text)
    return None if is_rounded or abs(number) == float("inf") else number
