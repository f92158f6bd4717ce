"""Which rows of a table a run has: all of them, a fold, or a share of those for training."""

from typing import Annotated, Self

import numpy as np
import polars as pl
from pydantic import Field, PositiveInt, model_validator

from onward.errors import DataError
from onward.settings.family import Settings
from onward.table.splits._base import LEFT_OUT, SPLITS, TEST, TRAIN, Split

FOLDS, SOME = range(2)
"""What is drawn, beside the validation rows of each fold."""


class Part(Settings):
    """One fold of a cross-validation, or fewer training rows; `evaluate` uses both.

    ``fold`` counts from 1 to ``folds``. Rows for testing take no part in folds: the others are
    tested in turn, each in one fold, and a part of those that are not is for validation.
    ``training`` is the share of the training rows that are kept.
    """

    fold: PositiveInt | None = None
    folds: Annotated[int, Field(ge=2)] | None = None
    training: float = Field(1.0, gt=0.0, le=1.0)

    @model_validator(mode="after")
    def _is_one_of_the_folds(self) -> Self:
        if (self.fold or 1) > (self.folds or 1) or (self.fold is None) != (self.folds is None):
            raise ValueError("fold and folds: say both, as {fold: 1, folds: 5}, or neither")
        return self


def assigned(
    split: Split, part: Part, targets: np.ndarray, values: pl.Series | None, seed: int
) -> np.ndarray:
    """For each row its place in `SPLITS`, or `LEFT_OUT`.

    Args:
        split: how the rows are split.
        part: of the rows.
        targets: codes of classes (int64) or numbers (float64), one for each row.
        values: of the column that the split reads.
        seed: of what is drawn.

    Raises:
        DataError: if no row would be for one of the splits.
    """
    splits = split.assign(targets, values, seed)
    if part.fold is not None and part.folds is not None:
        known = np.flatnonzero(splits != TEST)
        some = None if values is None else values[known]
        splits[:] = LEFT_OUT
        splits[known] = _fold(split, part.fold, part.folds, targets[known], some, seed)
    if part.training < 1:
        known = np.flatnonzero(splits == TRAIN)
        some = None if values is None else values[known]
        kept = split.some(targets[known], some, _other(seed, SOME), part.training)
        if not kept.any():
            raise DataError(
                f"prepare.part: {part.training:g} of {len(known)} training rows are none. Choose a"
                " larger share"
            )
        splits[known[~kept]] = LEFT_OUT
    return splits


def _fold(
    split: Split,
    fold: int,
    count: int,
    targets: np.ndarray,
    values: pl.Series | None,
    seed: int,
) -> np.ndarray:
    folds = split.folds(targets, values, _other(seed, FOLDS), count)
    splits = np.where(folds == fold - 1, TEST, LEFT_OUT).astype(np.int8)
    learned = np.flatnonzero(split.before(folds, fold - 1))
    some = None if values is None else values[learned]
    shares = (split.validation,)
    splits[learned] = split.deal(targets[learned], some, _other(seed, SOME + fold), shares)
    for place, name in enumerate(SPLITS):
        if not (splits == place).any():
            raise DataError(
                f"prepare.part: none of the {len(targets)} rows is for {name!r} in fold {fold} of"
                f" {count}. Use fewer folds, or bring more rows"
            )
    return splits


def _other(seed: int, place: int) -> int:
    """A seed that has nothing to do with the first."""
    return int(np.random.SeedSequence((seed, place)).generate_state(1)[0])
