"""JSON lines: one object per line."""

import glob
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NoReturn

import polars as pl

from onward.errors import DataError
from onward.table.sources._base import Source
from onward.table.sources._blocks import line, open_text, refuse_no_text

EXACT = 15  # characters; float64 represents all whole numbers of this length
LONGEST_INTEGER = 20  # characters; longer integers exceed 64 bits
MANY = 10_000  # cached combinations of keys and types
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # half of a character outside the basic plane


class Long(int):
    """A whole number that a float64 might round."""


@dataclass(frozen=True)
class Lists:
    """The type of a list."""

    of: "frozenset[type | Lists]"
    """Types of its elements, without null."""


Kind = type | Lists
KINDS: dict[type, str] = {
    bool: "true and false",
    float: "numbers",
    int: "whole numbers",
    Long: "whole numbers of more than 15 digits",
    str: "texts",
    tuple: "objects",
}
TYPES: dict[frozenset[Kind], pl.DataType] = {
    frozenset(): pl.Null(),
    frozenset({bool}): pl.Boolean(),
    frozenset({float}): pl.Float64(),
    frozenset({int}): pl.Int64(),
    frozenset({int, Long}): pl.Int64(),
    frozenset({Long}): pl.Int64(),
    frozenset({int, float}): pl.Float64(),
    frozenset({str}): pl.String(),
}
"""Type of a column by the types of its values. Lists are separate; other mixtures are refused."""


class Jsonl(Source):
    """One object per line, with the same keys; an absent key is a missing value."""

    class Config(Source.Config):
        """No settings beyond the path: the format is self-describing."""

        type: Literal["jsonl"] = "jsonl"

    config: Config
    suffixes = {".jsonl": {}, ".jsonl.gz": {}, ".ndjson": {}, ".ndjson.gz": {}}

    def names(self) -> list[str]:
        """The keys in order of appearance."""
        return list(self._contents.types)

    def num_rows(self) -> int:
        """Number of lines."""
        return self._contents.num_lines

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """Raw columns of Boolean, Float64, Int64 or String, or of lists of these."""
        schema = {name: self._dtype(name) for name in names}
        return pl.scan_ndjson(glob.escape(str(self.path)), schema=schema)

    @cached_property
    def _contents(self) -> "_Contents":
        contents = _Contents(self.path)
        with open_text(self.path) as file:
            if file.tell():
                raise DataError(
                    f"{self.path}: the file has a byte order mark, which JSON forbids. Remove"
                    " it with `sed '1s/^\\xef\\xbb\\xbf//'`"
                )
            while text := line(self.path, file):
                contents.add(text)
        if not contents.num_lines:
            raise DataError(f"{self.path}: the file is empty. Export the table again")
        return contents

    def _dtype(self, name: str) -> pl.DataType:
        first_lines = self._contents.types[name]
        dtype = _common_type(frozenset(first_lines))
        if dtype is None:
            kinds = ", ".join(f"{_shown(kind)} (line {at})" for kind, at in first_lines.items())
            raise DataError(
                f"{self.path}: column {name!r} holds {kinds}. Write all its values as numbers, or"
                " all as texts"
            )
        return dtype


class _Contents:
    """Keys and types in the lines read so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.num_lines = 0
        self.types: dict[str, dict[Kind, int]] = {}
        """The types of values by key, with the first line of each type."""
        self._shapes: set[tuple[Any, ...]] = set()
        self._decoder = json.JSONDecoder(
            object_pairs_hook=tuple,
            parse_constant=self._refuse_constant,
            parse_float=self._number,
            parse_int=self._whole_number,
        )

    def add(self, text: bytes) -> None:
        refuse_no_text(self.path, text, self.num_lines)
        self.num_lines += 1
        pairs = self._decode(text)
        if type(pairs) is not tuple or not pairs:
            self._refuse("is not an object with keys and values")
        names, values = zip(*pairs, strict=True)
        kinds: tuple[Kind, ...] = tuple(map(type, values))
        if list in kinds:
            kinds = tuple(map(_kind, values))
        shape = (names, kinds)
        if shape not in self._shapes:
            self._learn(*shape)
        if SURROGATE.search(text):
            self._refuse_halves(pairs)

    def _decode(self, text: bytes) -> Any:
        try:
            return self._decoder.decode(text.decode())
        except json.JSONDecodeError as error:
            self._refuse(f"is invalid JSON: {error.msg}, at character {error.pos + 1}")
        except RecursionError:
            self._refuse("is nested too deeply")

    def _learn(self, names: tuple[str, ...], types: tuple[Kind, ...]) -> None:
        repeated = [name for name, count in Counter(names).items() if count > 1]
        if repeated:
            self._refuse(f"has the key {repeated[0]!r} more than once")
        for name, kind in zip(names, types, strict=True):
            known = self.types.setdefault(name, {})
            if kind is not NoneType:
                known.setdefault(kind, self.num_lines)
        if len(self._shapes) == MANY:
            self._shapes.clear()
        self._shapes.add((names, types))

    def _number(self, text: str) -> float:
        number = float(text)
        if math.isinf(number):
            self._refuse(f"has a number outside the range of float64, {text[:40]}")
        return number

    def _whole_number(self, text: str) -> int:
        if len(text) <= EXACT:
            return int(text)
        if len(text) > LONGEST_INTEGER or not -(2**63) <= int(text) < 2**63:
            self._refuse(f"has a whole number of more than 64 bits, {text[:40]}")
        return Long(text)

    def _refuse_constant(self, text: str) -> NoReturn:
        self._refuse(f"has {text}, which is not JSON; write null for a missing value")

    def _refuse_halves(self, pairs: Any) -> None:
        try:
            json.dumps(pairs, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            self._refuse("has half of a surrogate pair, which is not a character")

    def _refuse(self, what: str) -> NoReturn:
        raise DataError(f"{self.path}: line {self.num_lines} {what}. Correct it") from None


def _kind(value: Any) -> Kind:
    if type(value) is not list:
        return type(value)
    kinds: Iterable[Kind] = set(map(type, value))
    if list in kinds:
        kinds = map(_kind, value)
    return Lists(frozenset(kinds) - {NoneType})


def _common_type(kinds: frozenset[Kind]) -> pl.DataType | None:
    """The type of a column with values of these types; None if there is none."""
    lists = [kind for kind in kinds if isinstance(kind, Lists)]
    if not lists or len(lists) < len(kinds):
        return TYPES.get(kinds)
    inside = _common_type(frozenset(kind for outer in lists for kind in outer.of))
    return None if inside is None else pl.List(inside)


def _shown(kind: Kind) -> str:
    if not isinstance(kind, Lists):
        return KINDS[kind]
    return f"lists of {' and '.join(sorted(map(_shown, kind.of))) or 'nothing'}"
