"""The yardstick that looks at nothing."""

import numpy as np
import polars as pl

from onward.evaluation.baselines._predictions import (
    Predict,
    targets_of,
    weights_of,
    with_interval,
    with_label,
)
from onward.schema import Schema


def constant(
    schema: Schema, train: pl.DataFrame, validation: pl.DataFrame, coverage: float
) -> Predict:
    """The best that can be said without looking at any column."""
    target = targets_of(schema, train)
    if schema.target.kind == "number":
        mean = float(np.average(target, weights=weights_of(train)))
        return with_interval(lambda rows: np.full(len(rows), mean), schema, validation, coverage)
    codes = np.arange(len(schema.target.classes))
    counts = np.bincount(target, weights_of(train), len(codes))
    shares = counts / counts.sum()
    return with_label(lambda rows: np.tile(shares, (len(rows), 1)), codes, schema)
