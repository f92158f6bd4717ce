"""Splits by time."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from onward.errors import DataError
from onward.table.splits._base import (
    TRAIN,
    Split,
    Value,
    at_least,
    even_sizes,
    refuse_missing,
    sizes,
)

DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?$"
OFFSET = r"(Z|[+-][0-9]{2}:[0-9]{2})$"
CLOCK = "^.{16}"  # texts shorter than a date with a time have no offset


class Time(Split):
    """By a column of numbers or ISO-8601 dates: train, then validation, then test.

    Rows with the same time are in the same split, so the shares of the config hold approximately.
    The split does not depend on the seed. Folds of a cross-validation go forward in time: each fold
    is later than its training rows, whose number grows from fold to fold.

    Source: Tashman 2000, "Out-of-sample tests of forecasting accuracy", the rolling origin.
    """

    class Config(Split.Config):
        """``name`` is the column with the time."""

        type: Literal["time"] = "time"
        name: str

    config: Config
    has_random_folds = False
    keeps_training_rows = True

    def deal(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, shares: Sequence[float]
    ) -> np.ndarray:
        """Cut the rows in the order of time."""
        return _cut(_order(values), sizes(len(targets), shares))

    def folds(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, count: int
    ) -> np.ndarray:
        """Cut the rows into one part more than folds; the earliest part is never tested."""
        return _cut(_order(values), even_sizes(len(targets), count + 1)) - 1

    def before(self, folds: np.ndarray, fold: int) -> np.ndarray:
        """Mask of earlier rows."""
        earlier: np.ndarray = folds < fold
        return earlier

    def last_trained(
        self, splits: np.ndarray, values: pl.Series | None, before: Value | None = None
    ) -> Value | None:
        """The latest time of a training row, also of those of the model to start from."""
        assert values is not None
        trained = values.filter(pl.Series(splits == TRAIN))
        if before is not None:
            trained = _with_time(trained, before)
        last: Value = trained[int(_order(trained).argmax())]
        return last

    def refuse_trained(
        self, splits: np.ndarray, values: pl.Series | None, last: Value | None
    ) -> None:
        """Refuse rows that came late: the boundaries depend on the number of rows before them."""
        assert values is not None
        if last is None:
            raise DataError(
                "prepare.start_from: the model does not record the time of its last training row."
                " Run its stages again from `onward prepare`, or remove start_from"
            )
        when = _order(_with_time(values, last))
        known = (splits != TRAIN) & (when[:-1] <= when[-1])
        if known.any():
            raise DataError(
                f"prepare.start_from: {known.sum()} validation and test rows are not later than"
                f" {last!r} in {self.column!r}, the last training row of the model to start from,"
                " which could have been trained on them. Remove start_from, or rows that were"
                " added since with an earlier time"
            )

    def some(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, share: float
    ) -> np.ndarray:
        """Mask of the latest rows, which a larger share also contains."""
        when = _order(values)
        latest: np.ndarray = when >= np.sort(when)[-at_least(share, len(when))]
        return latest


def _order(values: pl.Series | None) -> np.ndarray:
    """The rank of each row's time."""
    assert values is not None
    return in_time(refuse_missing(values)).rank("dense").to_numpy()


def _with_time(values: pl.Series, time: Value) -> pl.Series:
    """The values, and one more of their type."""
    return pl.concat([values, pl.Series(values.name, [time]).cast(values.dtype, strict=False)])


def _cut(when: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """The part of each row, by numbers of rows; equal times stay in one part."""
    in_order, parts = np.sort(when), np.zeros(len(when), np.int64)
    for part, start in enumerate(np.cumsum(rows[:-1]), 1):
        parts[when >= in_order[min(start, len(when) - 1)]] = part
    return parts


def in_time(values: pl.Series) -> pl.Series:
    """Values that sort by time, from numbers or from texts with numbers or dates.

    Raises:
        DataError: if they are neither numbers nor dates, or have different offsets from UTC.
    """
    if values.dtype != pl.String:
        return values
    numbers = values.cast(pl.Float64, strict=False)
    if numbers.is_finite().all() and not numbers.null_count():
        return numbers
    offsets = values.filter(values.str.contains(CLOCK)).str.extract(OFFSET)
    if offsets.n_unique() > 1:
        first, second = offsets.unique(maintain_order=True)[:2]
        raise DataError(
            f"time column {values.name!r}: some dates have the offset {first or 'none'}, others"
            f" {second or 'none'}. Write all of them in UTC"
        )
    plain = values.str.replace(OFFSET, "") if offsets.count() else values
    wrong = values.filter(~plain.str.contains(DATE))
    if len(wrong):
        raise DataError(
            f"time column {values.name!r}: {len(wrong)} of {len(values)} values are neither numbers"
            f" nor ISO-8601 dates; the first is {wrong[0]!r}. Write dates as 2024-05-31 or"
            " 2024-05-31T17:00:00Z"
        )
    return plain.str.replace("T", " ", literal=True)
