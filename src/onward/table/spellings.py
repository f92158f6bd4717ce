"""Declared spellings: texts with the same meaning."""

import unicodedata
from collections.abc import Mapping, Sequence

Spellings = dict[str, tuple[str, ...]]
"""Other spellings by text."""


def meaning_of(spellings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The meaning of each other spelling.

    Example:
        >>> meaning_of({"red": ["Red", "rot"]})
        {'Red': 'red', 'rot': 'red'}
    """
    return {text: meaning for meaning, texts in spellings.items() for text in texts}


def refuse_two_meanings(spellings: Mapping[str, Sequence[str]], values: Sequence[str]) -> None:
    """Raise a `ValueError` if a spelling has two meanings, or is itself a value."""
    texts = [text for spelled in spellings.values() for text in spelled]
    twice = sorted(text for text in set(texts) if texts.count(text) > 1 or text in values)
    if twice:
        raise ValueError(f"spellings: {twice[0]!r} has two meanings. Keep one of them")


def spelling(text: str) -> str:
    """A normal form of texts that ignores case, surrounding blanks and Unicode form."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).strip()
