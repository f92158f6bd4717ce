"""The same share of each class in every split."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from onward.errors import ConfigError
from onward.table.splits._base import Split, in_turn, shared_out


class Stratified(Split):
    """Random within each class: a class with three rows or more is in every split."""

    class Config(Split.Config):
        """No settings of its own."""

        type: Literal["stratified"] = "stratified"

    def deal(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, shares: Sequence[float]
    ) -> np.ndarray:
        """Draw, class by class."""
        if targets.dtype != np.int64:
            raise ConfigError(
                "prepare.split: stratified needs a target of `kind: classes`. Use {type: random}"
            )
        rng = np.random.default_rng(seed)
        parts = np.empty(len(targets), np.int8)
        for code in np.unique(targets):
            rows = np.flatnonzero(targets == code)
            parts[rows] = shared_out(len(rows), shares, rng, least=1)
        return parts

    def folds(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, count: int
    ) -> np.ndarray:
        """Of equal size, in all and in each class, but for one row."""
        drawn = np.random.default_rng(seed).permutation(len(targets))
        return in_turn(drawn[np.argsort(targets[drawn], kind="stable")], count)
