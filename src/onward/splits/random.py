"""Rows in random order."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from onward.splits._base import Split, in_turn, shared_out


class Random(Split):
    """Each row has the same chance to be held out."""

    class Config(Split.Config):
        """No settings of its own."""

        type: Literal["random"] = "random"

    def deal(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, shares: Sequence[float]
    ) -> np.ndarray:
        """Draw."""
        return shared_out(len(targets), shares, np.random.default_rng(seed))

    def folds(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, count: int
    ) -> np.ndarray:
        """Of equal size, but for one row."""
        return in_turn(np.random.default_rng(seed).permutation(len(targets)), count)
