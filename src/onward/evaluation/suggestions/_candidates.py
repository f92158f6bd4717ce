"""Candidate derived columns: combinations that trees cannot compute from single columns.

Trees split one column at a time at any threshold. Monotone functions of a column, such as its
logarithm, and bins add nothing to them, and they already get the parts of dates. So none of these
are candidates.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from keyword import iskeyword
from typing import Any

from onward.preprocessing.derivations import Derivation

SECONDS_PER_UNIT = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0}
MIN_UNITS = 2  # units in a typical elapsed time
FORMULA_SIGNS = {"per": "/", "times": "*", "plus": "+", "minus": "-"}


@dataclass(frozen=True)
class Candidate:
    """A derived column, with the derivations that it needs."""

    derivations: tuple[Derivation, ...]
    """In order; the last one makes the column, and may read the results of the others."""

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.derivations[-1].name

    @property
    def description(self) -> str:
        """Description of the derivation."""
        return self.derivations[-1].made


@dataclass(frozen=True)
class Readable:
    """The columns of a table that derivations can read."""

    numbers: Sequence[str]
    categories: Sequence[str]
    seconds: Mapping[tuple[str, str], float]
    """Median time from the first to the second of each pair of date columns."""
    is_one_number: bool
    """Whether the target is a number or has two classes, so that it has a mean."""


def candidates(readable: Readable, reserved: Sequence[str]) -> list[Candidate]:
    """All candidates with unique names.

    Args:
        readable: the columns to combine.
        reserved: reserved names.
    """
    by_name = {candidate.name: candidate for candidate in _generate(readable)}
    free = set(reserved).isdisjoint
    return [
        candidate
        for candidate in by_name.values()
        if free(part.name for part in candidate.derivations)
    ]


def _generate(readable: Readable) -> Iterator[Candidate]:
    numbers, categories = readable.numbers, readable.categories
    for pair, seconds in readable.seconds.items():
        elapsed = _elapsed(*pair, seconds)
        yield Candidate((elapsed,))
        for number in numbers:
            yield Candidate((elapsed, _formula(number, "per", elapsed.name)))
    for one, other in combinations(numbers, 2):
        for word in FORMULA_SIGNS:
            yield Candidate((_formula(one, word, other),))
    for category in categories:
        yield Candidate((_derivation("frequency", _name(category, "frequency"), column=category),))
        for number in numbers:
            yield Candidate((_group_difference(number, category),))
    if readable.is_one_number:
        yield from _means(categories)


def _means(categories: Sequence[str]) -> Iterator[Candidate]:
    for category in categories:
        yield Candidate((_derivation("target_mean", _name(category, "target"), column=category),))
    for pair in combinations(categories, 2):
        cross = _derivation("cross", _name(pair[0], "and", pair[1]), columns=pair)
        yield Candidate(
            (cross, _derivation("target_mean", _name(cross.name, "target"), column=cross.name))
        )


def _elapsed(one: str, other: str, seconds: float) -> Derivation:
    start, end = (one, other) if seconds >= 0 else (other, one)
    fitting = (unit for unit, size in SECONDS_PER_UNIT.items() if abs(seconds) >= MIN_UNITS * size)
    unit = next(fitting, "seconds")
    return _derivation("elapsed", _name(start, "to", end), start=start, end=end, unit=unit)


def _formula(one: str, word: str, other: str) -> Derivation:
    expression = f"{_quote(one)} {FORMULA_SIGNS[word]} {_quote(other)}"
    return _derivation("formula", _name(one, word, other), expression=expression)


def _name(*words: str) -> str:
    """A name for a derived column; without quotes in formulas, if the words allow it."""
    return ("_" if all(map(str.isidentifier, words)) else " ").join(words)


def _quote(name: str) -> str:
    if name.isidentifier() and not iskeyword(name):
        return name
    return json.dumps(name, ensure_ascii=False)


def _group_difference(number: str, category: str) -> Derivation:
    name = _name(number, "beside", category)
    return _derivation("group_statistic", name, column=number, by=category, relation="difference")


def _derivation(type_: str, name: str, **settings: Any) -> Derivation:
    member = Derivation.members[type_]
    derivation: Derivation = member(member.Config(name=name, **settings))
    return derivation
