"""The rows of a run: all rows, a fold, or a share of the training rows."""

from typing import Annotated, Self

import numpy as np
import polars as pl
from pydantic import Field, PositiveInt, model_validator

from onward.errors import DataError
from onward.settings.family import Settings
from onward.table.splits._base import LEFT_OUT, SPLITS, TEST, TRAIN, Split

FOLDS, SHARE = range(2)
"""Keys of independent random draws; the validation rows of each fold follow."""


class Part(Settings):
    """One fold of a cross-validation, or fewer training rows; `evaluate` uses both.

    ``fold`` counts from 1 to ``folds``. Rows of the test set are excluded from folds. Each other
    row is in the test set of one fold; a part of the remaining rows is the validation set.
    ``training`` is the share of the training rows to keep.
    """

    fold: PositiveInt | None = None
    folds: Annotated[int, Field(ge=2)] | None = None
    training: float = Field(1.0, gt=0.0, le=1.0)

    @model_validator(mode="after")
    def _check_fold(self) -> Self:
        if (self.fold or 1) > (self.folds or 1) or (self.fold is None) != (self.folds is None):
            raise ValueError("fold and folds: set both, such as {fold: 1, folds: 5}, or neither")
        return self


def assign_part(
    split: Split, part: Part, targets: np.ndarray, values: pl.Series | None, seed: int
) -> np.ndarray:
    """The index into `SPLITS` of each row, or `LEFT_OUT`.

    Args:
        split: the split of all rows.
        part: the part of the rows to use.
        targets: codes of classes (int64) or numbers (float64) of all rows.
        values: of the column that the split reads.
        seed: of random draws.

    Raises:
        DataError: if a split would be empty.
    """
    splits = split.assign(targets, values, seed)
    if part.fold is not None and part.folds is not None:
        rows = np.flatnonzero(splits != TEST)
        row_values = None if values is None else values[rows]
        splits[:] = LEFT_OUT
        splits[rows] = _fold(split, part.fold, part.folds, targets[rows], row_values, seed)
    if part.training < 1:
        rows = np.flatnonzero(splits == TRAIN)
        row_values = None if values is None else values[rows]
        is_kept = split.some(targets[rows], row_values, _derived_seed(seed, SHARE), part.training)
        if not is_kept.any():
            raise DataError(
                f"prepare.part: a share of {part.training:g} of {len(rows)} training rows has no"
                " row. Choose a larger share"
            )
        splits[rows[~is_kept]] = LEFT_OUT
    return splits


def _fold(
    split: Split,
    fold: int,
    count: int,
    targets: np.ndarray,
    values: pl.Series | None,
    seed: int,
) -> np.ndarray:
    folds = split.folds(targets, values, _derived_seed(seed, FOLDS), count)
    splits = np.where(folds == fold - 1, TEST, LEFT_OUT).astype(np.int8)
    learned = np.flatnonzero(split.before(folds, fold - 1))
    row_values = None if values is None else values[learned]
    shares = (split.validation,)
    splits[learned] = split.deal(
        targets[learned], row_values, _derived_seed(seed, SHARE + fold), shares
    )
    for code, name in enumerate(SPLITS):
        if not (splits == code).any():
            raise DataError(
                f"prepare.part: none of the {len(targets)} rows is in {name!r} in fold {fold} of"
                f" {count}. Use fewer folds, or add rows"
            )
    return splits


def _derived_seed(seed: int, key: int) -> int:
    """An independent seed."""
    return int(np.random.SeedSequence((seed, key)).generate_state(1)[0])
