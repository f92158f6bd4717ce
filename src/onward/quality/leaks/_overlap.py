"""Groups and times that lie across the splits."""

import numpy as np
import polars as pl

from onward.table.splits import in_time


def groups_on_both_sides(groups: pl.Series, is_train: np.ndarray) -> int:
    """The number of values that training and held-out rows share."""
    known = groups.filter(is_train).drop_nulls().unique()
    return int(groups.filter(~is_train).unique().is_in(known.implode()).sum())


def held_out_too_early(when: pl.Series, is_train: np.ndarray) -> int:
    """The number of held-out rows that are no later than the last training row."""
    place = in_time(when).rank("dense").to_numpy()
    return int((place[~is_train] <= place[is_train].max()).sum())
