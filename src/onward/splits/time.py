"""The past is for training, what came after it is held out."""

from typing import Literal

import numpy as np
import polars as pl

from onward.errors import DataError
from onward.splits._base import TEST, TRAIN, VALIDATION, Split, refuse_empty, refuse_missing, sizes

DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?$"
OFFSET = r"(Z|[+-][0-9]{2}:[0-9]{2})$"
CLOCK = "^.{16}"  # texts shorter than a date with a time have no offset


class Time(Split):
    """By a column of numbers or ISO-8601 dates: train, then validation, then test.

    Rows of one instant are never parted, so the shares are those of the config as nearly as that
    allows. Nothing is drawn: the seed changes nothing.
    """

    class Config(Split.Config):
        """``name`` is the column that says when."""

        type: Literal["time"] = "time"
        name: str

    config: Config

    def assign(self, targets: np.ndarray, values: pl.Series | None, seed: int) -> np.ndarray:
        """Cut the order in three."""
        assert values is not None
        when = in_time(refuse_missing(values)).rank("dense").to_numpy()
        train, validation, _ = sizes(len(when), self.config)
        in_order = np.sort(when)
        splits = np.full(len(when), TRAIN, np.int8)
        for place, start in ((VALIDATION, train), (TEST, train + validation)):
            splits[when >= in_order[min(start, len(when) - 1)]] = place
        return refuse_empty(splits)


def in_time(values: pl.Series) -> pl.Series:
    """Values whose order is that of time, from numbers or from texts that are numbers or dates.

    Raises:
        DataError: if they are neither, or dates with different offsets from UTC.
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
            f"time column {values.name!r}: {len(wrong)} of {len(values)} rows have neither a number"
            f" nor an ISO-8601 date; the first is {wrong[0]!r}. Write dates as 2024-05-31 or"
            " 2024-05-31T17:00:00Z"
        )
    return plain.str.replace("T", " ", literal=True)
