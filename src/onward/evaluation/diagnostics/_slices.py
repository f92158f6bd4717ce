"""Slices of the table with significantly higher loss."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import polars as pl

from onward.evaluation.bootstrap import estimates
from onward.evaluation.diagnostics._groups import Groups, group_rows
from onward.evaluation.diagnostics._held_out import HeldOut
from onward.evaluation.diagnostics._significance import (
    FALSE_DISCOVERY_RATE,
    exceeds,
    false_discovery_rates,
)
from onward.tasks.metrics import Array

MIN_SLICE_ROWS = 50  # rows of a slice, and outside; fewer rarely show a significant difference
SLICES_WITH_METRIC = 40  # worst slices with the metric and its interval, which take time
SLICE_RESAMPLES = 300  # of each slice; some 8 lie beyond each end of the interval
NO_SLICES = pl.DataFrame(
    schema={
        "column": pl.String,
        "place": pl.Int64,
        "slice": pl.String,
        "rows": pl.Int64,
        "loss": pl.Float64,
        "elsewhere": pl.Float64,
        "baseline": pl.Float64,
        "chance": pl.Float64,
    }
)


def slices(held_out: HeldOut, seed: int) -> pl.DataFrame:
    """The loss in slices: each category, each tenth of a number, each period of a date.

    The mean loss of a slice, log-loss or absolute error, is compared with that of all other rows.
    The metric itself would mislead: R² and AUC are low wherever rows are similar, however small the
    errors. Some of many slices look bad by chance, so the false discovery rate over all of them
    counts.

    Source: Chung et al. 2019, "Slice Finder: Automated Data Slicing for Model Validation", for the
    comparison with the other rows.
    Differs: a permutation test instead of Welch's t-test, and Benjamini and Hochberg's rate
    instead of alpha-investing, see `exceeds` and `false_discovery_rates`.

    Returns:
        ``column``, ``slice``, ``rows``, ``loss``, ``elsewhere`` (mean loss of the other rows),
        ``baseline`` (mean loss of boosted trees in the slice), ``rate`` (false discovery rate at
        which the slice is significantly worse), and for the first ones ``metric``, ``lower``,
        ``upper``. Significant slices come first, ordered by their excess loss, then the others.
    """
    loss, baseline_loss = (
        held_out.task.losses(held_out.target, predictions)
        for predictions in (held_out.predictions, held_out.baseline)
    )
    groups = {
        field.name: group_rows(field, held_out.rows[field.name], MIN_SLICE_ROWS)
        for field in held_out.columns
    }
    parts = [
        _slices_of(name, groups_of_column, loss, baseline_loss)
        for name, groups_of_column in groups.items()
        if groups_of_column.names
    ]
    table = pl.concat([NO_SLICES, *parts])
    rate = pl.Series("rate", false_discovery_rates(table["chance"].to_numpy()), pl.Float64)
    worse = pl.col("loss") - pl.col("elsewhere")
    table = table.with_columns(rate).sort(
        pl.col("rate") <= FALSE_DISCOVERY_RATE, worse, descending=True, maintain_order=True
    )
    return _with_metric(table, held_out, groups, seed).drop("chance", "place")


def _slices_of(column: str, groups: Groups, loss: Array, baseline_loss: Array) -> pl.DataFrame:
    """The slices of one column, each with enough other rows to compare with."""
    inside, number = groups.codes >= 0, len(groups.names)
    codes, rows = groups.codes[inside], groups.sizes
    sums, baseline = (
        np.bincount(codes, values[inside], number) for values in (loss, baseline_loss)
    )
    rows_elsewhere = np.maximum(len(loss) - rows, 1)
    table = {
        "column": [column] * number,
        "place": np.arange(number),
        "slice": groups.names,
        "rows": rows,
        "loss": sums / rows,
        "elsewhere": (loss.sum() - sums) / rows_elsewhere,
        "baseline": baseline / rows,
        "chance": exceeds(loss, groups.codes, number),
    }
    return pl.DataFrame(table, NO_SLICES.schema).filter(
        pl.col("rows") <= len(loss) - MIN_SLICE_ROWS
    )


def _with_metric(
    table: pl.DataFrame,
    held_out: HeldOut,
    groups: Mapping[str, Groups],
    seed: int,
) -> pl.DataFrame:
    """Add the metric and its interval to the first slices."""
    intervals, metric = [], held_out.task.main_metric
    for column, index in table.head(SLICES_WITH_METRIC).select("column", "place").iter_rows():
        part = held_out.where(groups[column].codes == index)
        estimate = estimates(
            {"metric": metric}, part.target, part.predictions, seed, resamples=SLICE_RESAMPLES
        )
        intervals.append(asdict(estimate["metric"]))
    names = ("value", "lower", "upper")
    unknown = [None] * (len(table) - len(intervals))
    columns = (
        pl.Series(
            name, [*(interval[name] for interval in intervals), *unknown], pl.Float64
        ).fill_nan(None)
        for name in names
    )
    return table.with_columns(columns).rename({"value": "metric"})
