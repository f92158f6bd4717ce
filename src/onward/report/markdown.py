"""Markdown in which text from the data cannot become markup."""

import re
from collections.abc import Iterable, Sequence

SPECIAL = r"([\\`*_\[\]<>|#&~$])"


def plain(text: object) -> str:
    """Text as it is, on one line."""
    return re.sub(SPECIAL, r"\\\1", " ".join(str(text).split()))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; cells are text."""
    lines = [head, ["---"] * len(head), *([plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(items: Iterable[str]) -> str:
    """A list; the items are Markdown."""
    return "\n".join(f"- {item}" for item in items)


def document(title: str, sections: dict[str, Sequence[str]]) -> str:
    """A title, and sections of paragraphs; empty ones are left out."""
    parts = [f"# {title}"]
    for name, paragraphs in sections.items():
        parts += [f"## {name}", *(text for text in paragraphs if text)]
    return "\n\n".join(parts) + "\n"
