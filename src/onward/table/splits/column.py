"""Splits declared in a column of the table."""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from onward.errors import DataError
from onward.settings.family import Settings
from onward.table.splits._base import SPLITS, TRAIN, VALIDATION, Split, refuse_empty


class Column(Split):
    """A column contains ``train``, ``validation`` or ``test``.

    If no row has ``validation``, validation rows are drawn at random from the training rows. Folds
    of a cross-validation are drawn at random from all rows outside ``test``.
    """

    class Config(Settings):
        """``validation`` is the share of the training rows to draw if no row has ``validation``."""

        type: Literal["column"] = "column"
        name: str
        validation: float = Field(0.15, gt=0.0, lt=1.0)

    config: Config
    keeps_training_rows = True

    @property
    def validation(self) -> float:
        """The share in the config, which refers to rows outside ``test``."""
        return self.config.validation

    def assign(self, targets: np.ndarray, values: pl.Series | None, seed: int) -> np.ndarray:
        """Read the column, and draw validation rows if there are none."""
        assert values is not None
        wrong = values.filter(~values.is_in(SPLITS) | values.is_null())
        if len(wrong):
            raise DataError(
                f"split column {self.column!r}: {len(wrong)} of {len(values)} values are not"
                f" 'train', 'validation' or 'test'; the first is {wrong[0]!r}. Correct the column"
            )
        splits = values.replace_strict(
            list(SPLITS), list(range(len(SPLITS))), return_dtype=pl.Int8
        ).to_numpy(writable=True)
        if not (splits == VALIDATION).any():
            rows = np.flatnonzero(splits == TRAIN)
            drawn = np.random.default_rng(seed).permutation(rows)
            splits[drawn[: round(self.config.validation * len(rows))]] = VALIDATION
        return refuse_empty(splits)
