"""What every way of splitting can do."""

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from onward.errors import DataError
from onward.family import Family, Settings

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)


class Split(Family, ABC):
    """Says for each row of the table what it is for."""

    class Config(Settings):
        """Shares of the rows; the rest is for training."""

        validation: float = Field(0.15, gt=0.0, lt=1.0)
        test: float = Field(0.15, gt=0.0, lt=1.0)

        @model_validator(mode="after")
        def _leaves_rows_for_training(self) -> Self:
            if self.validation + self.test >= 1:
                raise ValueError("validation and test together must be below 1")
            return self

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    def column(self) -> str | None:
        """The column it reads, if any: its setting ``name``."""
        name: str | None = getattr(self.config, "name", None)
        return name

    @abstractmethod
    def assign(self, targets: np.ndarray, values: pl.Series | None, seed: int) -> np.ndarray:
        """For each row its place in `SPLITS`; the same whenever seed and table are the same.

        Args:
            targets: codes of classes (int64) or numbers (float64), one for each row.
            values: of the column that it reads.
            seed: of what is drawn.

        Raises:
            DataError: if a part would be empty.
        """


def sizes(rows: int, config: Split.Config) -> tuple[int, int, int]:
    """How many of ``rows`` rows are for each place in `SPLITS`, by the shares of the config."""
    validation, test = (round(share * rows) for share in (config.validation, config.test))
    validation = min(validation, rows)
    test = min(test, rows - validation)
    return rows - validation - test, validation, test


def shared_out(rows: int, config: Split.Config, rng: np.random.Generator) -> np.ndarray:
    """Splits for ``rows`` rows in random order, by the shares of the config."""
    splits = np.repeat(np.array([TRAIN, VALIDATION, TEST], np.int8), sizes(rows, config))
    return rng.permutation(splits)


def refuse_missing(values: pl.Series) -> pl.Series:
    """The same values, if each row has one."""
    missing = values.is_null() | (values == "" if values.dtype == pl.String else values.is_nan())
    places = missing.arg_true()
    if len(places):
        raise DataError(
            f"split column {values.name!r}: {len(places)} of {len(values)} rows have no value,"
            f" the first is row {places[0] + 1}. Fill them in, or remove the rows"
        )
    return values


def refuse_empty(splits: np.ndarray) -> np.ndarray:
    """The same splits, if each has a row."""
    counts = np.bincount(splits, minlength=len(SPLITS))
    for name, count in zip(SPLITS, counts, strict=True):
        if not count:
            raise DataError(
                f"split: none of the {len(splits)} rows is for {name!r}. Change the shares in"
                " prepare.split, or bring more rows"
            )
    return splits
