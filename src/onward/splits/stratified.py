"""The same share of each class in every split."""

from typing import Literal

import numpy as np
import polars as pl

from onward.errors import ConfigError
from onward.splits._base import Split, refuse_empty, shared_out


class Stratified(Split):
    """Random within each class, so that rare classes are in every split."""

    class Config(Split.Config):
        """No settings of its own."""

        type: Literal["stratified"] = "stratified"

    def assign(self, targets: np.ndarray, values: pl.Series | None, seed: int) -> np.ndarray:
        """Draw, class by class."""
        if targets.dtype != np.int64:
            raise ConfigError(
                "prepare.split: stratified needs a target of `kind: classes`. Use {type: random}"
            )
        rng = np.random.default_rng(seed)
        splits = np.empty(len(targets), np.int8)
        for code in np.unique(targets):
            rows = np.flatnonzero(targets == code)
            splits[rows] = shared_out(len(rows), self.config, rng)
        return refuse_empty(splits)
