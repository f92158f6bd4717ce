"""Tables for a terminal or a log, as lines of text."""

from collections.abc import Iterable, Iterator, Sequence


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
