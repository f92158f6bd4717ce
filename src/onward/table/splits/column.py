"""Splits declared in a column of the table."""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from onward.errors import DataError
from onward.settings.family import Settings
from onward.table.splits._base import (
    SPLITS,
    TRAIN,
    VALIDATION,
    Split,
    Value,
    refuse_empty,
)


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
        if not _declares_validation(values):
            rows = np.flatnonzero(splits == TRAIN)
            drawn = np.random.default_rng(seed).permutation(rows)
            splits[drawn[: round(self.config.validation * len(rows))]] = VALIDATION
        return refuse_empty(splits)

    def refuse_trained(
        self, splits: np.ndarray, values: pl.Series | None, last: Value | None
    ) -> None:
        """Refuse validation rows that are drawn anew from all training rows."""
        assert values is not None
        if not _declares_validation(values):
            raise DataError(
                f"prepare.start_from: no row has 'validation' in the split column {self.column!r},"
                " so validation rows are drawn, and the model to start from could have been trained"
                " on them. Declare validation rows, or remove start_from"
            )


def _declares_validation(values: pl.Series) -> bool:
    return SPLITS[VALIDATION] in values
