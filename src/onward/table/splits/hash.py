"""Splits by the hash of a key."""

from collections.abc import Sequence
from typing import Literal
from zlib import crc32

import numpy as np
import polars as pl

from onward.table.splits._base import Split, refuse_missing

# of splitmix64
STEP = np.uint64(0x9E3779B97F4A7C15)
MIX = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))
LAST_SHIFT = 31


class Hash(Split):
    """By the hash of a column, the key: adding rows later does not move other rows.

    Equal keys are in the same split. The shares of the config hold on average, not exactly.
    """

    class Config(Split.Config):
        """``name`` is the column of the key."""

        type: Literal["hash"] = "hash"
        name: str

    config: Config
    keeps_training_rows = True

    def deal(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, shares: Sequence[float]
    ) -> np.ndarray:
        """Compare the hash of each key with the cumulative shares, from the last to the first."""
        number = _numbers(values, seed)
        ends = np.cumsum(shares[::-1])
        return len(shares) - np.searchsorted(ends, number, side="right").astype(np.int8)

    def folds(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, count: int
    ) -> np.ndarray:
        """Folds by the hash of the key, of equal size on average."""
        folds: np.ndarray = (_numbers(values, seed) * count).astype(np.int64)
        return folds

    def some(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, share: float
    ) -> np.ndarray:
        """Mask by the hash of the key."""
        return _numbers(values, seed) < share


def _numbers(values: pl.Series | None, seed: int) -> np.ndarray:
    assert values is not None
    return fractions(_texts(refuse_missing(values)), seed)


def _texts(values: pl.Series) -> pl.Series:
    """The keys as text: 7, not 7.0, even if the column is declared numerical."""
    if values.dtype == pl.String:
        return values
    texts = values.cast(pl.String)
    whole = values == values.round()
    return values.set(~whole, 0.0).cast(pl.Int64).cast(pl.String).zip_with(whole, texts)


def fractions(keys: pl.Series, seed: int) -> np.ndarray:
    """A number in [0, 1) for each key, the same in all versions and on all machines.

    Source: Steele et al. 2014, "Fast Splittable Pseudorandom Number Generators", splitmix64.
    Differs: the state starts from the CRC-32 of the key, plus the shifted seed.
    """
    distinct, inverse = np.unique(keys.to_numpy(), return_inverse=True)
    sums = np.fromiter((crc32(key.encode()) for key in distinct), np.uint64, len(distinct))
    state = (sums + (np.uint64(seed) << np.uint64(32))) * STEP
    for shift, factor in MIX:
        state = (state ^ (state >> np.uint64(shift))) * factor
    state ^= state >> np.uint64(LAST_SHIFT)
    return np.asarray((state >> np.uint64(11)) * 2.0**-53)[inverse]  # a float64 has 53 bits
