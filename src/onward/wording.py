"""Counts, numbers and tables as text, for a terminal, a log or a page."""

import math
from collections.abc import Iterable, Iterator, Sequence

EXPONENT_BELOW, EXPONENT_FROM = 1e-4, 1e9  # sizes that are hard to read in full


def format_count(count: int, noun: str) -> str:
    """So many of them; one is no plural.

    Example:
        >>> format_count(1, "row"), format_count(1_000, "test row")
        ('1 row', '1,000 test rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_number(value: float, digits: int = 4) -> str:
    """A figure with so many significant digits; the digits before the point are all shown.

    Example:
        >>> [format_number(value) for value in (27343.21, 1700.0, 0.00123, -0.99999, 3e-7)]
        ['27,343', '1,700', '0.00123', '-1', '3e-07']
    """
    size = abs(value)
    if size and not EXPONENT_BELOW <= size < EXPONENT_FROM:  # nor are NaN and infinity in full
        return f"{value:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size))) if size else 0
    text = f"{value:z,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def format_signed(value: float, digits: int = 3) -> str:
    """A difference as a figure: a plus stands before numbers that are not negative.

    Example:
        >>> format_signed(-1703.4), format_signed(0.0), format_signed(0.62781)
        ('-1,703', '+0', '+0.628')
    """
    text = format_number(value, digits)
    return text if text.startswith("-") else f"+{text}"


def text_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table: the first column stands left, the others stand right.

    Example:
        >>> for line in text_table(["", "mean"], [["Accuracy", "0.91"], ["F1", "0.8"]]):
        ...     print(line)
                    mean
          Accuracy  0.91
          F1         0.8
    """
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join(["", f"{first:{widths[0]}}", *cells]).rstrip()
