"""What every way of splitting can do."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from onward.errors import DataError
from onward.settings.family import Family, Settings

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
LEFT_OUT = len(SPLITS)
"""The place of a row that is for nothing."""


class Split(Family):
    """Says for each row of the table what it is for, and in which fold it is tested."""

    class Config(Settings):
        """Shares of the rows; the rest is for training."""

        validation: float = Field(0.15, gt=0.0, lt=1.0)
        test: float = Field(0.15, gt=0.0, lt=1.0)

        @model_validator(mode="after")
        def _leaves_rows_for_training(self) -> Self:
            if self.validation + self.test >= 1:
                raise ValueError("validation and test together must be below 1")
            return self

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    def column(self) -> str | None:
        """The column it reads, if any: its setting ``name``."""
        name: str | None = getattr(self.config, "name", None)
        return name

    @property
    def validation(self) -> float:
        """The share for validation of the rows that are not for testing."""
        share: float = self.config.validation / (1 - self.config.test)
        return share

    def assign(self, targets: np.ndarray, values: pl.Series | None, seed: int) -> np.ndarray:
        """For each row its place in `SPLITS`; the same whenever seed and table are the same.

        Args:
            targets: codes of classes (int64) or numbers (float64), one for each row.
            values: of the column that it reads.
            seed: of what is drawn.

        Raises:
            DataError: if a part would be empty.
        """
        shares = (self.config.validation, self.config.test)
        return refuse_empty(self.deal(targets, values, seed, shares).astype(np.int8))

    def deal(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, shares: Sequence[float]
    ) -> np.ndarray:
        """Parts 1, 2, ... of these shares, and 0 for the rows that remain; here in random order."""
        return shared_out(len(targets), shares, np.random.default_rng(seed))

    def folds(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, count: int
    ) -> np.ndarray:
        """For each row the fold in which it is tested, from 0; -1 if it is tested in none.

        Here in random order, of equal size but for one row.
        """
        return in_turn(np.random.default_rng(seed).permutation(len(targets)), count)

    def before(self, folds: np.ndarray, fold: int) -> np.ndarray:
        """Which rows may be learned from when those of ``fold`` are tested: all the others."""
        others: np.ndarray = folds != fold
        return others

    def some(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, share: float
    ) -> np.ndarray:
        """Which rows make up a share of them: for a larger share the same ones, and more.

        Random within each class, so that rare classes are there, too.
        """
        classes = targets if targets.dtype == np.int64 else np.zeros(len(targets), np.int64)
        drawn = np.random.default_rng(seed).permutation(len(targets))
        chosen = np.zeros(len(targets), bool)
        for code in np.unique(classes):
            rows = drawn[classes[drawn] == code]
            chosen[rows[: at_least(share, len(rows))]] = True
        return chosen


def sizes(rows: int, shares: Sequence[float], least: int = 0) -> list[int]:
    """How many of ``rows`` rows are for each part; the first one gets those that remain.

    Each part gets ``least`` rows at least, if there are enough for all of them.
    """
    if rows < least * (len(shares) + 1):
        least = 0
    counts: list[int] = []
    for share in shares:
        rest = rows - sum(counts) - least * (len(shares) - len(counts))
        counts.append(min(max(round(share * rows), least), rest))
    return [rows - sum(counts), *counts]


def even(rows: int, count: int) -> list[int]:
    """How many of ``rows`` rows are for each of ``count`` parts that differ by one row at most."""
    return [(rows + place) // count for place in range(count)]


def at_least(share: float, rows: int) -> int:
    """How many rows are a share of them, and one if there are any."""
    return min(max(round(share * rows), 1), rows)


def shared_out(
    rows: int, shares: Sequence[float], rng: np.random.Generator, least: int = 0
) -> np.ndarray:
    """Parts for ``rows`` rows in random order, by the shares of the parts after the first."""
    parts = np.arange(len(shares) + 1, dtype=np.int8)
    return rng.permutation(np.repeat(parts, sizes(rows, shares, least)))


def in_turn(order: np.ndarray, count: int) -> np.ndarray:
    """Folds, dealt out like cards to rows in this order."""
    folds = np.empty(len(order), np.int64)
    folds[order] = np.arange(len(order)) % count
    return folds


def refuse_missing(values: pl.Series) -> pl.Series:
    """The same values, if each row has one."""
    missing = values.is_null() | (values == "" if values.dtype == pl.String else values.is_nan())
    places = missing.arg_true()
    if len(places):
        raise DataError(
            f"split column {values.name!r}: {len(places)} of {len(values)} rows have no value,"
            f" the first is row {places[0] + 1}. Fill them in, or remove the rows"
        )
    return values


def refuse_empty(splits: np.ndarray) -> np.ndarray:
    """The same splits, if each has a row."""
    counts = np.bincount(splits, minlength=len(SPLITS))
    for name, count in zip(SPLITS, counts, strict=True):
        if not count:
            raise DataError(
                f"split: none of the {len(splits)} rows is for {name!r}. Change the shares in"
                " prepare.split, or bring more rows"
            )
    return splits
