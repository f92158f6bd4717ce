"""A compact memory of rows, to recognise them later: a Bloom filter of hashes of their values."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

Array = np.ndarray

FALSE_MATCHES = 1e-3  # share of new rows that are taken for known ones
BITS_PER_ROW = 14.4  # 1.44 log2(1 / FALSE_MATCHES)
PROBES = 10  # log2(1 / FALSE_MATCHES): bits that a row sets
MOST_BITS = 2**21  # 350 kB of text; 145,000 rows. Of more rows a share is remembered
MIX = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
STEP = np.uint64(0x9E3779B97F4A7C15)
MISSING = np.uint64(0)


def row_hashes(rows: pl.DataFrame) -> Array:
    """A number of 64 bits for each row ``(rows,)``, equal on all machines and in all versions.

    Columns count in their order. Null, NaN and "" are the same; so are 0.0 and -0.0.

    Source: Steele et al. 2014, "Fast Splittable Pseudorandom Number Generators", splitmix64, over
    the bits of numbers and BLAKE2b of texts.

    Args:
        rows: columns of numbers, of texts, or of arrays of numbers.
    """
    state = np.full(len(rows), STEP)
    for column in rows:
        state = _mix(state * STEP + _hashes(column))
    return state


@dataclass(frozen=True)
class RowFilter:
    """Rows that are known, most of them by hash.

    Source: Bloom 1970, "Space/Time Trade-offs in Hash Coding with Allowable Errors".
    """

    rows: int
    every: int
    """One of so many rows is remembered, chosen by its hash; 1 where all are."""
    bits: Array
    """``(bits,)`` bool."""

    @classmethod
    def of(cls, hashes: Iterable[Array], rows: int) -> Self:
        """Remember rows, given in parts.

        Args:
            hashes: of `row_hashes`.
            rows: how many there are in all.
        """
        every = max(1, int(np.ceil(rows * BITS_PER_ROW / MOST_BITS)))
        bits = np.zeros(max(64, int(rows / every * BITS_PER_ROW)), bool)
        for part in hashes:
            bits[_places(part[_choose(part, every)], len(bits))] = True
        return cls(rows, every, bits)

    def checks(self, hashes: Array) -> Array:
        """Whether each row would be recognised if it were known, ``(rows,)``."""
        return _choose(hashes, self.every)

    def knows(self, hashes: Array) -> Array:
        """Whether each row is known, ``(rows,)``; wrong for `FALSE_MATCHES` of new rows."""
        known = self.bits[_places(hashes, len(self.bits))].all(axis=1)
        return np.asarray(known & self.checks(hashes))

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        packed = base64.b64encode(np.packbits(self.bits).tobytes()).decode()
        return {"rows": self.rows, "every": self.every, "bits": len(self.bits), "filter": packed}

    @classmethod
    def load(cls, document: dict[str, Any]) -> Self:
        """Read what `dump` made.

        Raises:
            ValueError: if it is something else.

        Example:
            >>> known = RowFilter.of([np.array([7, 8], np.uint64)], 2)
            >>> RowFilter.load(known.dump()).knows(np.array([7, 9], np.uint64)).tolist()
            [True, False]
        """
        count, every = document["bits"], document["every"]
        packed = np.frombuffer(base64.b64decode(document["filter"], validate=True), np.uint8)
        if not 64 <= count <= MOST_BITS or -(-count // 8) != len(packed) or every < 1:
            raise ValueError(
                f"the filter has {len(packed)} bytes for {count} bits, one row of {every}"
            )
        return cls(document["rows"], every, np.unpackbits(packed, count=count).astype(bool))


def _choose(hashes: Array, every: int) -> Array:
    # by a hash of its own: the bits that a row sets must not depend on being chosen
    return np.asarray(_mix(hashes ^ MIX[1]) % np.uint64(every) == 0)


def _places(hashes: Array, bits: int) -> Array:
    """The bits of each row, ``(rows, PROBES)``.

    Source: Kirsch and Mitzenmacher 2006, "Less Hashing, Same Performance".
    """
    second = _mix(hashes) | np.uint64(1)
    steps = np.arange(PROBES, dtype=np.uint64)
    positions: Array = (hashes[:, None] + second[:, None] * steps) % np.uint64(bits)
    return positions


def _hashes(column: pl.Series) -> Array:
    if column.dtype == pl.String:
        return _of_texts(column.fill_null(""))
    if column.dtype.is_nested():
        return np.array([_of_vector(values) for values in column], np.uint64)
    numbers = column.cast(pl.Float64).to_numpy().astype(np.float64) + 0.0  # -0.0 becomes 0.0
    return np.where(np.isnan(numbers), MISSING, _mix(numbers.view(np.uint64) + STEP))


def _of_texts(texts: pl.Series) -> Array:
    distinct = texts.unique()
    hashes = [_of_text(text) for text in distinct]
    table = pl.DataFrame({"text": distinct, "hash": pl.Series(hashes, dtype=pl.UInt64)})
    frame = texts.alias("text").to_frame()
    return frame.join(table, on="text", how="left", maintain_order="left")["hash"].to_numpy()


def _of_text(text: str) -> int:
    return _of_bytes(text.encode())


def _of_vector(values: Any) -> int:
    """Of the several numbers that one row has; None if it has none."""
    return _of_bytes(b"" if values is None else np.array(values, "<f8").tobytes())


def _of_bytes(content: bytes) -> int:
    digest = hashlib.blake2b(content, digest_size=8).digest()
    return int.from_bytes(digest, "little") if content else int(MISSING)


def _mix(state: Array) -> Array:
    mixed = (state ^ (state >> np.uint64(30))) * MIX[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * MIX[1]
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
