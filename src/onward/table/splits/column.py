"""A split that is part of the table."""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from onward.errors import DataError
from onward.settings.family import Settings
from onward.table.splits._base import SPLITS, TRAIN, VALIDATION, Split, refuse_empty


class Column(Split):
    """A column says ``train``, ``validation`` or ``test``.

    Where no row says ``validation``, rows are drawn from those for training. Folds of a
    cross-validation are drawn, too, from all rows that do not say ``test``.
    """

    class Config(Settings):
        """``validation`` is the share of the training rows to draw, where rows are drawn."""

        type: Literal["column"] = "column"
        name: str
        validation: float = Field(0.15, gt=0.0, lt=1.0)

    config: Config

    @property
    def validation(self) -> float:
        """As the config says: of rows that do not say ``test``."""
        return self.config.validation

    def assign(self, targets: np.ndarray, values: pl.Series | None, seed: int) -> np.ndarray:
        """Read, and draw validation rows if there are none."""
        assert values is not None
        wrong = values.filter(~values.is_in(SPLITS) | values.is_null())
        if len(wrong):
            raise DataError(
                f"split column {self.column!r}: {len(wrong)} of {len(values)} rows say neither"
                f" 'train' nor 'validation' nor 'test'; the first says {wrong[0]!r}"
            )
        splits = values.replace_strict(
            list(SPLITS), list(range(len(SPLITS))), return_dtype=pl.Int8
        ).to_numpy(writable=True)
        if not (splits == VALIDATION).any():
            rows = np.flatnonzero(splits == TRAIN)
            drawn = np.random.default_rng(seed).permutation(rows)
            splits[drawn[: round(self.config.validation * len(rows))]] = VALIDATION
        return refuse_empty(splits)
