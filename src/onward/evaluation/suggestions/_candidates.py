"""The derived columns that a table allows, of the kinds that trees cannot make by themselves.

Trees cut one column at a time, wherever they like: a monotone function of a column, such as its
logarithm, tells them nothing new, and neither does an interval of it, nor the parts of a date,
which they are given. So those are not among the candidates.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from keyword import iskeyword
from typing import Any

from onward.preprocessing.derivations import Derivation

UNITS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0}
FEWEST = 2  # of a unit, that elapsed times should have
SIGNS = {"per": "/", "times": "*", "plus": "+", "minus": "-"}


@dataclass(frozen=True)
class Candidate:
    """A derived column, and what it takes to make it."""

    derivations: tuple[Derivation, ...]
    """In their order; the last one makes the column, and may read what the others make."""

    @property
    def name(self) -> str:
        """Of the column."""
        return self.derivations[-1].name

    @property
    def made(self) -> str:
        """How, for people."""
        return self.derivations[-1].made


@dataclass(frozen=True)
class Readable:
    """What derivations can read in a table."""

    numbers: Sequence[str]
    categories: Sequence[str]
    seconds: Mapping[tuple[str, str], float]
    """For pairs of columns of dates the usual time from the first to the second."""
    is_one_number: bool
    """Whether the target has one mean: a number, or two classes."""


def candidates(readable: Readable, taken: Sequence[str]) -> list[Candidate]:
    """All that have a name of their own.

    Args:
        readable: what there is to read.
        taken: names that no derived column may have.
    """
    found = {each.name: each for each in _all(readable)}
    free = set(taken).isdisjoint
    return [each for each in found.values() if free(part.name for part in each.derivations)]


def _all(readable: Readable) -> Iterator[Candidate]:
    numbers, categories = readable.numbers, readable.categories
    for pair, seconds in readable.seconds.items():
        elapsed = _elapsed(*pair, seconds)
        yield Candidate((elapsed,))
        for number in numbers:
            yield Candidate((elapsed, _formula(number, "per", elapsed.name)))
    for one, other in combinations(numbers, 2):
        for word in SIGNS:
            yield Candidate((_formula(one, word, other),))
    for category in categories:
        yield Candidate((_built("frequency", _named(category, "frequency"), column=category),))
        for number in numbers:
            yield Candidate((_beside(number, category),))
    if readable.is_one_number:
        yield from _means(categories)


def _means(categories: Sequence[str]) -> Iterator[Candidate]:
    for category in categories:
        yield Candidate((_built("target_mean", _named(category, "target"), column=category),))
    for pair in combinations(categories, 2):
        cross = _built("cross", _named(pair[0], "and", pair[1]), columns=pair)
        yield Candidate(
            (cross, _built("target_mean", _named(cross.name, "target"), column=cross.name))
        )


def _elapsed(one: str, other: str, seconds: float) -> Derivation:
    start, end = (one, other) if seconds >= 0 else (other, one)
    fitting = (unit for unit, size in UNITS.items() if abs(seconds) >= FEWEST * size)
    unit = next(fitting, "seconds")
    return _built("elapsed", _named(start, "to", end), start=start, end=end, unit=unit)


def _formula(one: str, word: str, other: str) -> Derivation:
    expression = f"{_quoted(one)} {SIGNS[word]} {_quoted(other)}"
    return _built("formula", _named(one, word, other), expression=expression)


def _named(*words: str) -> str:
    """A name that a formula need not quote, if that can be."""
    return ("_" if all(map(str.isidentifier, words)) else " ").join(words)


def _quoted(name: str) -> str:
    if name.isidentifier() and not iskeyword(name):
        return name
    return json.dumps(name, ensure_ascii=False)


def _beside(number: str, category: str) -> Derivation:
    name = _named(number, "beside", category)
    return _built("group_statistic", name, column=number, by=category, relation="difference")


def _built(type_: str, name: str, **settings: Any) -> Derivation:
    member = Derivation.members[type_]
    derivation: Derivation = member(member.Config(name=name, **settings))
    return derivation
