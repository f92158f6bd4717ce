"""Rows in random order."""

from typing import Literal

import numpy as np
import polars as pl

from onward.splits._base import Split, refuse_empty, shared_out


class Random(Split):
    """Each row has the same chance to be held out."""

    class Config(Split.Config):
        """No settings of its own."""

        type: Literal["random"] = "random"

    def assign(self, targets: np.ndarray, values: pl.Series | None, seed: int) -> np.ndarray:
        """Draw."""
        rng = np.random.default_rng(seed)
        return refuse_empty(shared_out(len(targets), self.config, rng))
