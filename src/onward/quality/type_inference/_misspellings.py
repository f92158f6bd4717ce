"""Values that look like one value in several spellings."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import combinations

import polars as pl

MOST = 1_000  # distinct values that are looked at; more are no categories that a person named
LONGEST_CODE = 4  # letters; words up to here that differ in one are different words
RARER = 10  # times; a slip is so much rarer than what was meant


def suggested(values: pl.Series, rows: pl.Series) -> dict[str, tuple[str, ...]]:
    """For a value the others that seem to mean it; the most frequent one is the value.

    Case, blanks, accents, and marks between letters count for nothing, and one letter more, less or
    other counts for nothing in a long word that is rare. Marks that may mean something count: those
    at an end, as in A+ and C#, and all in texts with digits, as in 1.0M and 10M.

    Args:
        values: distinct.
        rows: with each.

    Example:
        >>> values = ["Adelie", "adelie ", "Ad\u00e9lie", "Gentoo"]
        >>> suggested(pl.Series(values), pl.Series([2, 1, 1, 1]))
        {'Adelie': ('Ad\u00e9lie', 'adelie ')}
    """
    counts = dict(zip(values, rows, strict=True)) if len(values) <= MOST else {}
    groups: dict[str, list[str]] = {}
    for text in sorted(counts):
        groups.setdefault(_bare(text) or text, []).append(text)
    _merge_slips(groups, counts)
    found = {}
    for alike in groups.values():
        usual = max(alike, key=lambda text: counts[text])
        if others := tuple(text for text in sorted(alike) if text != usual):
            found[usual] = others
    return found


def _bare(text: str) -> str:
    """Letters and digits, and marks that may mean something, without case and accents."""
    folded = unicodedata.normalize("NFKD", text.casefold().strip())
    folded = "".join(letter for letter in folded if not unicodedata.combining(letter))
    if re.search("[0-9]", folded):
        return re.sub(r"(?<![0-9])\s+|\s+(?![0-9])", "", folded)
    return re.sub(r"(?<=\w)[\s_.'\u2019-]+(?=\w)|\s+|\.$", "", folded)


def _merge_slips(groups: dict[str, list[str]], counts: dict[str, int]) -> None:
    rows = {bare: sum(counts[text] for text in alike) for bare, alike in groups.items()}
    neighbours: dict[str, list[str]] = {}
    for bare in groups:
        if len(bare) > LONGEST_CODE and bare.isalpha():
            for short in {bare, *_shortened(bare)}:
                neighbours.setdefault(short, []).append(bare)
    pairs = {pair for near in neighbours.values() for pair in combinations(sorted(near), 2)}
    for pair in sorted(pairs):
        slip, meant = sorted(pair, key=lambda bare: rows[bare])
        if slip in groups and meant in groups and rows[slip] * RARER <= rows[meant]:
            groups[meant] += groups.pop(slip)


def _shortened(text: str) -> Iterator[str]:
    """The text without one of its letters: two that differ in one letter share such a form."""
    return (text[:place] + text[place + 1 :] for place in range(len(text)))
