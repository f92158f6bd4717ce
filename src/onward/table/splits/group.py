"""Rows that belong together stay together."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from onward.table.splits._base import Split, at_least, even, refuse_missing, sizes


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

    def deal(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, shares: Sequence[float]
    ) -> np.ndarray:
        """Deal out the groups."""
        return _dealt(_groups(values), seed, sizes(len(targets), shares))

    def folds(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, count: int
    ) -> np.ndarray:
        """Deal out the groups to folds of equal size."""
        return _dealt(_groups(values), seed, even(len(targets), count))

    def some(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, share: float
    ) -> np.ndarray:
        """Whole groups, in random order: more rows of those that are known would teach less."""
        group = _groups(values)
        drawn = np.random.default_rng(seed).permutation(group.max() + 1)
        rows = np.bincount(group)[drawn]
        first = np.cumsum(rows) - rows < at_least(share, len(group))
        return np.isin(group, drawn[first])


def _groups(values: pl.Series | None) -> np.ndarray:
    """For each row the number of its group."""
    assert values is not None
    numbers: np.ndarray = refuse_missing(values).rank("dense").to_numpy().astype(np.int64) - 1
    return numbers


def _dealt(group: np.ndarray, seed: int, wanted: Sequence[int]) -> np.ndarray:
    """For each row the part of its group; ``wanted`` are the rows of each part."""
    rows = np.bincount(group)
    drawn = np.random.default_rng(seed).permutation(len(rows))
    drawn = drawn[np.argsort(-rows[drawn], kind="stable")]
    found, groups = np.unique(-rows, return_counts=True)
    place = np.empty(len(rows), np.int64)
    place[drawn] = _parts(-found, groups, np.array(wanted))
    parts: np.ndarray = place[group]
    return parts


def _parts(rows: np.ndarray, groups: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """For each group its part.

    Args:
        rows: the sizes of groups that there are, the largest first.
        groups: for each size the number of groups.
        wanted: rows for each part.
    """
    lacking, dealt = wanted.copy(), []
    for size, count in zip(rows.tolist(), groups.tolist(), strict=True):
        positive = np.maximum(lacking, 0)  # in sum no less than the rows of all groups to come
        to = count * positive // positive.sum()
        lacking -= to * size
        for _ in range(count - to.sum()):  # fewer than parts, but for the last few groups
            has_room = lacking >= size
            lack = np.where(has_room, lacking / np.maximum(wanted, 1), -1)
            place = (lack if has_room.any() else lacking).argmax()
            to[place] += 1
            lacking[place] -= size
        dealt.append(np.repeat(np.arange(len(wanted)), to))
    return np.concatenate(dealt)
