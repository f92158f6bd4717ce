"""The base class of splits."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from onward.errors import DataError
from onward.settings.family import Family, Settings

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
Value = str | float
LEFT_OUT = len(SPLITS)
"""The code of a row in no split."""


class Split(Family):
    """Assigns the rows of a table to splits and folds."""

    class Config(Settings):
        """Shares of the rows; the rest is the training set."""

        validation: float = Field(0.15, gt=0.0, lt=1.0)
        test: float = Field(0.15, gt=0.0, lt=1.0)

        @model_validator(mode="after")
        def _leaves_rows_for_training(self) -> Self:
            if self.validation + self.test >= 1:
                raise ValueError("validation + test must be below 1")
            return self

    keeps_training_rows: ClassVar[bool] = False
    """Whether a training row is never a validation or test row of the table with more rows, unless
    `refuse_trained` says so."""

    has_random_folds: ClassVar[bool] = True
    """Whether folds that are drawn row by row are as honest as this split."""

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    def column(self) -> str | None:
        """The column that the split reads, if any: its setting ``name``."""
        name: str | None = getattr(self.config, "name", None)
        return name

    @property
    def validation(self) -> float:
        """The validation share of the rows outside the test set."""
        share: float = self.config.validation / (1 - self.config.test)
        return share

    def assign(self, targets: np.ndarray, values: pl.Series | None, seed: int) -> np.ndarray:
        """The index into `SPLITS` of each row; deterministic for a given table and seed.

        Args:
            targets: codes of classes (int64) or numbers (float64) of all rows.
            values: of the column that the split reads.
            seed: of random draws.

        Raises:
            DataError: if a split would be empty.
        """
        shares = (self.config.validation, self.config.test)
        return refuse_empty(self.deal(targets, values, seed, shares).astype(np.int8))

    def deal(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, shares: Sequence[float]
    ) -> np.ndarray:
        """Assign rows at random to parts 1, 2, ... of these shares, and the rest to part 0."""
        return random_parts(len(targets), shares, np.random.default_rng(seed))

    def folds(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, count: int
    ) -> np.ndarray:
        """The test fold of each row, from 0; -1 for rows in no test fold.

        Random folds, whose sizes differ by at most one row.
        """
        return folds_in_turn(np.random.default_rng(seed).permutation(len(targets)), count)

    def last_trained(
        self, splits: np.ndarray, values: pl.Series | None, before: Value | None = None
    ) -> Value | None:
        """What `refuse_trained` needs to know of the training rows, if anything.

        Args:
            splits: the index into `SPLITS` of each row.
            values: of the column that the split reads.
            before: the same of a model that this one starts from.
        """
        return None

    def refuse_trained(
        self, splits: np.ndarray, values: pl.Series | None, last: Value | None
    ) -> None:
        """Check that an earlier model was not trained on validation or test rows of this table.

        Args:
            splits: the index into `SPLITS` of each row.
            values: of the column that the split reads.
            last: the result of `last_trained` for that model.

        Raises:
            DataError: if it was, or could have been.
        """

    def before(self, folds: np.ndarray, fold: int) -> np.ndarray:
        """Mask of the rows to train on when ``fold`` is the test fold: all other rows."""
        is_other: np.ndarray = folds != fold
        return is_other

    def some(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, share: float
    ) -> np.ndarray:
        """Mask of a share of the rows; a larger share contains all rows of a smaller one.

        Random within each class, so that rare classes are included.
        """
        classes = targets if targets.dtype == np.int64 else np.zeros(len(targets), np.int64)
        drawn = np.random.default_rng(seed).permutation(len(targets))
        chosen = np.zeros(len(targets), bool)
        for code in np.unique(classes):
            rows = drawn[classes[drawn] == code]
            chosen[rows[: at_least(share, len(rows))]] = True
        return chosen


def sizes(rows: int, shares: Sequence[float], least: int = 0) -> list[int]:
    """The number of rows in each part; the first part gets the remaining rows.

    Each part gets at least ``least`` rows, if there are enough rows.
    """
    if rows < least * (len(shares) + 1):
        least = 0
    counts: list[int] = []
    for share in shares:
        rest = rows - sum(counts) - least * (len(shares) - len(counts))
        counts.append(min(max(round(share * rows), least), rest))
    return [rows - sum(counts), *counts]


def even_sizes(rows: int, count: int) -> list[int]:
    """Sizes of ``count`` parts that differ by at most one row."""
    return [(rows + part) // count for part in range(count)]


def at_least(share: float, rows: int) -> int:
    """The number of rows in a share, at least one if there are any rows."""
    return min(max(round(share * rows), 1), rows)


def random_parts(
    rows: int, shares: Sequence[float], rng: np.random.Generator, least: int = 0
) -> np.ndarray:
    """Random parts of ``rows`` rows, by the shares of the parts after the first."""
    parts = np.arange(len(shares) + 1, dtype=np.int8)
    return rng.permutation(np.repeat(parts, sizes(rows, shares, least)))


def folds_in_turn(order: np.ndarray, count: int) -> np.ndarray:
    """Folds assigned in turn to rows in this order."""
    folds = np.empty(len(order), np.int64)
    folds[order] = np.arange(len(order)) % count
    return folds


def refuse_missing(values: pl.Series) -> pl.Series:
    """The values, unless some are missing."""
    missing = values.is_null() | (values == "" if values.dtype == pl.String else values.is_nan())
    indices = missing.arg_true()
    if len(indices):
        raise DataError(
            f"split column {values.name!r}: {len(indices)} of {len(values)} rows have no value,"
            f" the first is row {indices[0] + 1}. Fill in the values, or remove the rows"
        )
    return values


def refuse_empty(splits: np.ndarray) -> np.ndarray:
    """The splits, unless one is empty."""
    counts = np.bincount(splits, minlength=len(SPLITS))
    for name, count in zip(SPLITS, counts, strict=True):
        if not count:
            raise DataError(
                f"split: none of the {len(splits)} rows is in {name!r}. Change the shares in"
                " prepare.split, or add rows"
            )
    return splits
