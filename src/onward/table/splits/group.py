"""Splits that keep groups together."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from onward.table.splits._base import Split, at_least, even_sizes, refuse_missing, sizes


class Group(Split):
    """All rows with the same value of a column, such as a patient's ID, are in the same split.

    Groups are assigned from the largest to the smallest; groups of equal size at random, in
    proportion to the rows that each split still lacks. So the splits come as close to the shares in
    the config as the groups allow, and each has groups of all sizes.
    """

    class Config(Split.Config):
        """``name`` is the column with the group of each row."""

        type: Literal["group"] = "group"
        name: str

    config: Config
    has_random_folds = False

    def deal(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, shares: Sequence[float]
    ) -> np.ndarray:
        """Assign the groups to parts."""
        return _assign_groups(_groups(values), seed, sizes(len(targets), shares))

    def folds(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, count: int
    ) -> np.ndarray:
        """Assign the groups to folds of similar size."""
        return _assign_groups(_groups(values), seed, even_sizes(len(targets), count))

    def some(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, share: float
    ) -> np.ndarray:
        """Mask of random whole groups, which are more informative than rows of all groups."""
        group = _groups(values)
        drawn = np.random.default_rng(seed).permutation(group.max() + 1)
        rows = np.bincount(group)[drawn]
        first = np.cumsum(rows) - rows < at_least(share, len(group))
        return np.isin(group, drawn[first])


def _groups(values: pl.Series | None) -> np.ndarray:
    """The group number of each row."""
    assert values is not None
    numbers: np.ndarray = refuse_missing(values).rank("dense").to_numpy().astype(np.int64) - 1
    return numbers


def _assign_groups(group: np.ndarray, seed: int, wanted: Sequence[int]) -> np.ndarray:
    """The part of each row's group; ``wanted`` is the number of rows in each part."""
    rows = np.bincount(group)
    drawn = np.random.default_rng(seed).permutation(len(rows))
    drawn = drawn[np.argsort(-rows[drawn], kind="stable")]
    sizes_negated, groups = np.unique(-rows, return_counts=True)
    part_of_group = np.empty(len(rows), np.int64)
    part_of_group[drawn] = _parts(-sizes_negated, groups, np.array(wanted))
    parts: np.ndarray = part_of_group[group]
    return parts


def _parts(rows: np.ndarray, groups: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The part of each group.

    Args:
        rows: distinct sizes of groups, the largest first.
        groups: the number of groups of each size.
        wanted: the number of rows in each part.
    """
    lacking, assigned = wanted.copy(), []
    for size, count in zip(rows.tolist(), groups.tolist(), strict=True):
        positive = np.maximum(lacking, 0)  # their sum is at least the rows of all remaining groups
        to = count * positive // positive.sum()
        lacking -= to * size
        for _ in range(count - to.sum()):  # fewer than parts, except for the last groups
            has_room = lacking >= size
            lack = np.where(has_room, lacking / np.maximum(wanted, 1), -1)
            part = (lack if has_room.any() else lacking).argmax()
            to[part] += 1
            lacking[part] -= size
        assigned.append(np.repeat(np.arange(len(wanted)), to))
    return np.concatenate(assigned)
