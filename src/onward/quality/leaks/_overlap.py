"""Groups and times that overlap between the splits."""

import numpy as np
import polars as pl

from onward.table.splits import in_time


def num_groups_on_both_sides(groups: pl.Series, is_train: np.ndarray) -> int:
    """The number of values that training and held-out rows share."""
    training_groups = groups.filter(is_train).drop_nulls().unique()
    return int(groups.filter(~is_train).unique().is_in(training_groups.implode()).sum())


def num_held_out_too_early(when: pl.Series, is_train: np.ndarray) -> int:
    """The number of held-out rows that are no later than the last training row."""
    rank = in_time(when).rank("dense").to_numpy()
    return int((rank[~is_train] <= rank[is_train].max()).sum())
