"""Texts that mean the same, as a person declares them."""

import unicodedata
from collections.abc import Mapping, Sequence

Spellings = dict[str, tuple[str, ...]]
"""For a text all others that mean it."""


def meaning_of(spellings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """For each text that is written otherwise, what it means.

    Example:
        >>> meaning_of({"red": ["Red", "rot"]})
        {'Red': 'red', 'rot': 'red'}
    """
    return {text: meant for meant, texts in spellings.items() for text in texts}


def refuse_two_meanings(spellings: Mapping[str, Sequence[str]], taken: Sequence[str]) -> None:
    """Raise a `ValueError` if a text has two meanings, or means something of its own."""
    texts = [text for others in spellings.values() for text in others]
    twice = sorted(text for text in set(texts) if texts.count(text) > 1 or text in taken)
    if twice:
        raise ValueError(f"spellings: {twice[0]!r} has two meanings")


def spelling(text: str) -> str:
    """What texts have in common that differ in case, surrounding blanks or Unicode form."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).strip()
