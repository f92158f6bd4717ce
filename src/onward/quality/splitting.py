"""The rows of a table that are used, and their splits."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from onward.quality.plan import Plan
from onward.table.splits import LEFT_OUT, SPLITS, Sample, assign_part, drop_unsampled
from onward.table.target import encode_targets

IS_USED = "onward/kept"  # reserved: columns cannot have this name


@dataclass(frozen=True)
class SplitRows:
    """Rows of a table, and the split of each."""

    rows: pl.LazyFrame
    targets: np.ndarray
    """``(rows,)`` codes of classes, or numbers."""
    splits: np.ndarray
    """``(rows,)``: an index into `SPLITS`, or `LEFT_OUT`."""

    def targets_of(self, split: str) -> np.ndarray:
        """The targets of one split."""
        targets: np.ndarray = self.targets[self.splits == SPLITS.index(split)]
        return targets

    def counts(self) -> dict[str, int]:
        """Number of rows in each split."""
        return {name: int((self.splits == code).sum()) for code, name in enumerate(SPLITS)}


def split_rows(plan: Plan, rows: pl.LazyFrame) -> SplitRows:
    """Assign the rows to splits; rows of other folds and shares are dropped.

    Raises:
        DataError: if a split would be empty.
    """
    settings, target, column = plan.settings, plan.schema.target, plan.split.column
    targets = encode_targets(target, rows.select(target.name).collect().to_series())
    values = rows.select(column).collect().to_series() if column is not None else None
    splits = assign_part(plan.split, settings.part, targets, values, settings.seed)
    is_used = splits != LEFT_OUT
    if not is_used.all():
        marked = pl.concat([rows, pl.LazyFrame({IS_USED: is_used})], how="horizontal")
        rows = marked.filter(IS_USED).drop(IS_USED)
    return SplitRows(rows, targets[is_used], splits[is_used])


def downsample(plan: Plan, split: SplitRows) -> SplitRows:
    """Drop training rows beyond the sample size of the settings."""
    settings = plan.settings
    if settings.sample is None:
        return split
    # the sample shrinks with the share of the training rows, so that a learning curve grows
    sample = Sample(rows=max(1, round(settings.sample.rows * settings.part.training)))
    return replace(split, splits=drop_unsampled(split.splits, split.targets, sample, settings.seed))
