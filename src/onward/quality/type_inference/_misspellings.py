"""Different spellings of one value."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import combinations

import polars as pl

MOST = 1_000  # distinct values; more are hardly categories that people typed
LONGEST_CODE = 4  # letters; shorter words that differ in one letter are different words
RARER = 10  # times; a typing error is this much rarer than the right spelling


def similar_spellings(values: pl.Series, rows: pl.Series) -> dict[str, tuple[str, ...]]:
    """Probable other spellings of a value, by the most frequent one without spare blanks.

    Ignores case, blanks, accents and marks between letters, and one letter in long, rare words.
    Marks that may carry meaning are kept: those at an end, as in A+ and C#, and all in texts with
    digits, as in 1.0M and 10M.

    Args:
        values: distinct.
        rows: number of rows of each.

    Example:
        >>> values = ["Adelie", "adelie ", "Ad\u00e9lie", "Gentoo"]
        >>> similar_spellings(pl.Series(values), pl.Series([2, 1, 1, 1]))
        {'Adelie': ('Ad\u00e9lie', 'adelie ')}
    """
    counts = dict(zip(values, rows, strict=True)) if len(values) <= MOST else {}
    groups: dict[str, list[str]] = {}
    for text in sorted(counts):
        groups.setdefault(_bare(text) or without_spare_blanks(text), []).append(text)
    _merge_slips(groups, counts)
    spellings = {}
    for alike in groups.values():
        if len(alike) == 1:
            continue
        tidy_counts: Counter[str] = Counter()
        for text in sorted(alike):
            tidy_counts[without_spare_blanks(text)] += counts[text]
        usual = max(tidy_counts, key=lambda text: tidy_counts[text])
        spellings[usual] = tuple(text for text in sorted(alike) if text != usual)
    return spellings


def blank_variants(values: pl.Series) -> dict[str, tuple[str, ...]]:
    """The values that differ from another only in blanks, by their text without spare blanks.

    Example:
        >>> blank_variants(pl.Series(["paid", "paid ", "late", "not\u00a0paid "]))
        {'paid': ('paid ',)}
    """
    if not values.str.contains(r"\s").any():
        return {}
    groups: dict[str, list[str]] = {}
    for text in sorted(values):
        groups.setdefault(without_spare_blanks(text), []).append(text)
    return {
        tidy: tuple(text for text in alike if text != tidy)
        for tidy, alike in groups.items()
        if len(alike) > 1
    }


def without_spare_blanks(text: str) -> str:
    """The text with no blanks at its ends, and one space in place of blanks of any kind.

    Example:
        >>> without_spare_blanks(" New\u00a0 York ")
        'New York'
    """
    return " ".join(text.split()) or text


def _bare(text: str) -> str:
    """Letters, digits and marks that may carry meaning, without case and accents."""
    folded = unicodedata.normalize("NFKD", without_spare_blanks(text).casefold())
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
    """The text without one of its letters; texts that differ in one letter share such a form."""
    return (text[:index] + text[index + 1 :] for index in range(len(text)))
