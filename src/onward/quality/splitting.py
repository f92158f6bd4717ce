"""Which rows of a table take part, and what each is for."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from onward.quality.plan import Plan
from onward.table.splits import LEFT_OUT, SPLITS, Sample, assigned, sampled
from onward.table.target import encoded

KEPT = "onward/kept"  # no name of a column, which are checked for it


@dataclass(frozen=True)
class SplitRows:
    """Rows of a table, and the split of each."""

    rows: pl.LazyFrame
    targets: np.ndarray
    """``(rows,)`` codes of classes, or numbers."""
    splits: np.ndarray
    """``(rows,)``: a place in `SPLITS`, or `LEFT_OUT`."""

    def targets_of(self, split: str) -> np.ndarray:
        """The targets of one split."""
        targets: np.ndarray = self.targets[self.splits == SPLITS.index(split)]
        return targets

    def counts(self) -> dict[str, int]:
        """Rows of each split."""
        return {name: int((self.splits == code).sum()) for code, name in enumerate(SPLITS)}


def split_rows(plan: Plan, rows: pl.LazyFrame) -> SplitRows:
    """Assign the rows to splits; those of other folds and shares are gone.

    Raises:
        DataError: if no row would be for one of the splits.
    """
    settings, target, column = plan.settings, plan.schema.target, plan.split.column
    targets = encoded(target, rows.select(target.name).collect().to_series())
    values = rows.select(column).collect().to_series() if column is not None else None
    splits = assigned(plan.split, settings.part, targets, values, settings.seed)
    kept = splits != LEFT_OUT
    if not kept.all():
        marked = pl.concat([rows, pl.LazyFrame({KEPT: kept})], how="horizontal")
        rows = marked.filter(KEPT).drop(KEPT)
    return SplitRows(rows, targets[kept], splits[kept])


def downsample(plan: Plan, split: SplitRows) -> SplitRows:
    """Leave training rows out, if there are more than the settings ask for."""
    settings = plan.settings
    if settings.sample is None:
        return split
    # of a share of the training rows the same share: a learning curve has more rows to the right
    sample = Sample(rows=max(1, round(settings.sample.rows * settings.part.training)))
    return replace(split, splits=sampled(split.splits, split.targets, sample, settings.seed))
