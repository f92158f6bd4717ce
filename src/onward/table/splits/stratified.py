"""Splits stratified by class."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from onward.errors import ConfigError
from onward.table.splits._base import Split, folds_in_turn, random_parts


class Stratified(Split):
    """Random within each class: a class with at least three rows is in every split."""

    class Config(Split.Config):
        """Shares of the rows; the rest is the training set."""

        type: Literal["stratified"] = "stratified"

    def deal(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, shares: Sequence[float]
    ) -> np.ndarray:
        """Assign the rows of each class at random."""
        if targets.dtype != np.int64:
            raise ConfigError(
                "prepare.split: stratified needs a target of `kind: classes`. Use {type: random}"
            )
        rng = np.random.default_rng(seed)
        parts = np.empty(len(targets), np.int8)
        for code in np.unique(targets):
            rows = np.flatnonzero(targets == code)
            parts[rows] = random_parts(len(rows), shares, rng, least=1)
        return parts

    def folds(
        self, targets: np.ndarray, values: pl.Series | None, seed: int, count: int
    ) -> np.ndarray:
        """Folds whose sizes, overall and per class, differ by at most one row."""
        drawn = np.random.default_rng(seed).permutation(len(targets))
        return folds_in_turn(drawn[np.argsort(targets[drawn], kind="stable")], count)
