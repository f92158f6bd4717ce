"""Counts and tables as text, for a terminal, a log or a page."""

from collections.abc import Iterable, Iterator, Sequence


def format_count(count: int, noun: str) -> str:
    """So many of them; one is no plural.

    Example:
        >>> format_count(1, "row"), format_count(1_000, "test row")
        ('1 row', '1,000 test rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


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
