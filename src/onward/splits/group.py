"""Rows that belong together stay together."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from onward.splits._base import Split, refuse_empty, refuse_missing, sizes


class Group(Split):
    """All rows with the same value of a column, such as a patient's, are in one part.

    Groups are dealt out from the largest to the smallest, in random order where they are equal,
    each to the part that lacks the greatest share of its rows and has room for it. So the shares
    are those of the config as nearly as the sizes of the groups allow.
    """

    class Config(Split.Config):
        """``name`` is the column that says to which group a row belongs."""

        type: Literal["group"] = "group"
        name: str

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.column = config.name

    def assign(self, targets: np.ndarray, values: pl.Series | None, seed: int) -> np.ndarray:
        """Deal out the groups."""
        assert values is not None
        group = refuse_missing(values).rank("dense").to_numpy() - 1
        rows = np.bincount(group)
        drawn = np.random.default_rng(seed).permutation(len(rows))
        drawn = drawn[np.argsort(-rows[drawn], kind="stable")]
        place = np.empty(len(rows), np.int8)
        place[drawn] = _dealt(rows[drawn].tolist(), sizes(len(values), self.config))
        return refuse_empty(place[group])


def _dealt(rows: list[int], wanted: Sequence[int]) -> list[int]:
    """For each group its place in `SPLITS`. Plain numbers: there may be a million groups."""
    lacking, dealt = list(wanted), []
    for size in rows:
        fitting = [place for place, lack in enumerate(lacking) if lack >= size]
        if fitting:
            place = max(fitting, key=lambda each: lacking[each] / wanted[each])
        else:
            place = lacking.index(max(lacking))
        lacking[place] -= size
        dealt.append(place)
    return dealt
