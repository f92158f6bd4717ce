"""Rows that belong together stay together."""

from typing import Literal

import numpy as np
import polars as pl

from onward.splits._base import SPLITS, Split, refuse_empty, refuse_missing, sizes


class Group(Split):
    """All rows with the same value of a column, such as a patient's, are in one part.

    Groups of equal size are shared out at random in proportion to the rows that each part still
    lacks, from the largest size to the smallest. So the shares are those of the config as nearly as
    the groups allow, and each part has groups of all sizes.
    """

    class Config(Split.Config):
        """``name`` is the column that says to which group a row belongs."""

        type: Literal["group"] = "group"
        name: str

    config: Config

    def assign(self, targets: np.ndarray, values: pl.Series | None, seed: int) -> np.ndarray:
        """Deal out the groups."""
        assert values is not None
        group = refuse_missing(values).rank("dense").to_numpy() - 1
        rows = np.bincount(group)
        drawn = np.random.default_rng(seed).permutation(len(rows))
        drawn = drawn[np.argsort(-rows[drawn], kind="stable")]
        found, groups = np.unique(-rows, return_counts=True)
        place = np.empty(len(rows), np.int8)
        place[drawn] = _dealt(-found, groups, np.array(sizes(len(values), self.config)))
        return refuse_empty(place[group])


def _dealt(rows: np.ndarray, groups: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """For each group its place in `SPLITS`.

    Args:
        rows: the sizes of groups that there are, the largest first.
        groups: for each size the number of groups.
        wanted: rows for each place.
    """
    lacking, dealt = wanted.copy(), []
    for size, count in zip(rows.tolist(), groups.tolist(), strict=True):
        positive = np.maximum(lacking, 0)  # in sum no less than the rows of all groups to come
        to = count * positive // positive.sum()
        lacking -= to * size
        for _ in range(count - to.sum()):  # two at most, but for the last few groups
            has_room = lacking >= size
            lack = np.where(has_room, lacking / np.maximum(wanted, 1), -1)
            place = (lack if has_room.any() else lacking).argmax()
            to[place] += 1
            lacking[place] -= size
        dealt.append(np.repeat(np.arange(len(SPLITS), dtype=np.int8), to))
    return np.concatenate(dealt)
