"""Blocks: the named feature tensors between the columns and the network. Needs numpy at most.

Columns fill blocks, ``prepare`` writes them, and an embedder of the network reads each of them.
Code that handles features iterates over all blocks, in the order of `in_order`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from onward.errors import ConfigError

NUMERICAL, CATEGORICAL = "numerical", "categorical"
"""The blocks of the built-in columns: float32 numbers on a scale of about 1, and int64 codes."""
FIRST = (NUMERICAL, CATEGORICAL)
RESERVED = {"derived", "row", "target", "weight"}  # files of ``prepare`` with these names exist


@dataclass(frozen=True)
class Block:
    """Describes a tensor ``(rows, features, ...)``; the features lie along axis 1.

    A feature is a number, a code, a token, a line of an image: anything that comes from
    one column.

    Raises:
        ConfigError: if the name is reserved or no file could have it, or if lengths differ.
    """

    name: str
    dtype: str
    """As numpy names it: ``float32``, ``int64``, ``uint8``."""
    owners: tuple[str, ...]
    """For each feature the column it comes from."""
    names: tuple[str, ...]
    """For each feature a name that the report shows: ``"age"``, ``"age is missing"``."""
    cardinalities: tuple[int, ...] = ()
    """For each feature the number of codes; empty if the features are not codes."""
    item: tuple[int, ...] = ()
    """Shape of a feature; empty for a number or a code."""

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z][a-z0-9_]*", self.name) or self.name in RESERVED:
            raise ConfigError(
                f"block {self.name!r}: the name is not valid. Use lower-case letters, digits and _,"
                f" but not {', '.join(sorted(RESERVED))}"
            )
        lengths = {len(self.owners), len(self.names), len(self.cardinalities or self.owners)}
        if len(lengths) > 1:
            raise ConfigError(
                f"block {self.name!r}: {len(self.owners)} owners, {len(self.names)} names and"
                f" {len(self.cardinalities)} cardinalities. Give one of each per feature"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row."""
        return (len(self.owners), *self.item)

    def indices(self, columns: Collection[str]) -> list[int]:
        """Indices of the features that come from these columns."""
        return [index for index, owner in enumerate(self.owners) if owner in columns]

    def take(self, indices: Sequence[int]) -> "Block":
        """The block with these features only."""
        return replace(
            self,
            owners=tuple(self.owners[index] for index in indices),
            names=tuple(self.names[index] for index in indices),
            cardinalities=tuple(self.cardinalities[index] for index in indices)
            if self.cardinalities
            else (),
        )


def numerical(owners: Sequence[str], names: Sequence[str]) -> Block:
    """Features of the numerical block."""
    return Block(NUMERICAL, "float32", tuple(owners), tuple(names))


def categorical(owners: Sequence[str], cardinalities: Sequence[int]) -> Block:
    """Features of the categorical block: one code per column."""
    return Block(CATEGORICAL, "int64", tuple(owners), tuple(owners), tuple(cardinalities))


def join(parts: Sequence[Block]) -> Block:
    """Concatenate parts of one block along the axis of features.

    Raises:
        ConfigError: if features differ in type or shape.
    """
    first = parts[0]
    for part in parts[1:]:
        if (part.dtype, part.item) != (first.dtype, first.item):
            raise ConfigError(
                f"block {first.name!r}: column {first.owners[0]!r} has features of {first.dtype}"
                f" and shape {first.item}, column {part.owners[0]!r} has {part.dtype} and"
                f" {part.item}. Rename the block of one of the two column types"
            )
    return replace(
        first,
        owners=tuple(owner for part in parts for owner in part.owners),
        names=tuple(name for part in parts for name in part.names),
        cardinalities=tuple(size for part in parts for size in part.cardinalities),
    )


def in_order(names: Iterable[str]) -> list[str]:
    """Sort block names: numerical, categorical, then the others alphabetically.

    Example:
        >>> in_order({"tokens", "categorical", "bytes", "numerical"})
        ['numerical', 'categorical', 'bytes', 'tokens']
    """
    return sorted(names, key=lambda name: (*(name != first for first in FIRST), name))


class Blocks(Mapping[str, Block]):
    """The blocks of a table by name, in order. A block without features is left out."""

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        named = {block.name: block for block in blocks if block.owners}
        self._blocks = {name: named[name] for name in in_order(named)}

    def __getitem__(self, name: str) -> Block:
        return self._blocks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._blocks)

    def __len__(self) -> int:
        return len(self._blocks)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns with at least one feature."""
        return tuple(dict.fromkeys(owner for block in self.values() for owner in block.owners))

    def indices(self, columns: Collection[str]) -> dict[str, list[int]]:
        """Indices of the features of these columns, for each block that has some."""
        indices = {name: block.indices(columns) for name, block in self.items()}
        return {name: some for name, some in indices.items() if some}

    def of(self, columns: Collection[str]) -> "Blocks":
        """The features of these columns, in the same order."""
        return Blocks(self[name].take(some) for name, some in self.indices(columns).items())

    def dump(self) -> list[dict[str, Any]]:
        """Plain values, for JSON."""
        return [asdict(block) for block in self.values()]

    @classmethod
    def load(cls, document: Any) -> "Blocks":
        """Read the result of `dump`, or of version 0.1.0, which had two blocks.

        Example:
            >>> blocks = Blocks([categorical(["city"], [7])])
            >>> Blocks.load(blocks.dump()) == blocks
            True
        """
        if isinstance(document, dict):
            return cls(
                [
                    numerical(document["numerical_owners"], document["numerical"]),
                    categorical(document["categorical"], document["cardinalities"]),
                ]
            )
        return cls(_block(values) for values in document)


def _block(values: Mapping[str, Any]) -> Block:
    return Block(
        values["name"],
        values["dtype"],
        *(tuple(values[key]) for key in ("owners", "names", "cardinalities", "item")),
    )
