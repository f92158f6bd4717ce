"""Patterns in the residuals of each column: effects that the model did not learn."""

import numpy as np
import polars as pl

from onward.evaluation.diagnostics._groups import Groups, group_rows
from onward.evaluation.diagnostics._held_out import HeldOut
from onward.evaluation.diagnostics._significance import (
    FALSE_DISCOVERY_RATE,
    NORMAL_95,
    differ,
    false_discovery_rates,
)
from onward.tasks.metrics import Array

MIN_BIN_ROWS = 30  # rows per bin
CHARTED_COLUMNS = 12  # columns to keep the bins of, more than a reader looks at
MIN_VARIANCE_SHARE = 1e-6  # of the variance of all residuals; less within a bin is rounding


def patterns(held_out: HeldOut) -> dict[str, pl.DataFrame]:
    """Mean residuals in the groups of each column, and whether they differ significantly.

    Returns:
        ``patterns``: for each column the number of groups, ``effect`` (the share of the variance of
        the residuals explained by the group means, corrected for chance) and ``rate`` (false
        discovery rate at which it is significant), strongest first. ``pattern_bins``: the groups of
        the first columns with rows, mean residual, and the 95 % interval of that mean.

    Source: the effect is Hays 1963, "Statistics for Psychologists", omega squared.
    """
    residual = held_out.task.residuals(held_out.target, held_out.predictions)
    variance = held_out.task.variances(held_out.predictions)
    groups = {
        field.name: group_rows(field, held_out.rows[field.name], MIN_BIN_ROWS)
        for field in held_out.columns
    }
    bins = {
        name: _bins(name, groups_of_column, residual, variance)
        for name, groups_of_column in groups.items()
    }
    chances = [
        differ(*(table[key].to_numpy() for key in BIN_STATISTICS)) for table in bins.values()
    ]
    summary = pl.DataFrame(
        {
            "column": list(bins),
            "groups": [len(table) for table in bins.values()],
            "effect": [_effect(groups_of_column, residual) for groups_of_column in groups.values()],
            "rate": false_discovery_rates(np.array(chances)),
        }
    ).sort(pl.col("rate") <= FALSE_DISCOVERY_RATE, "effect", descending=True, maintain_order=True)
    drawn = [bins[name] for name in summary["column"][:CHARTED_COLUMNS]]
    return {"patterns": summary, "pattern_bins": pl.concat(drawn).drop("variance")}


BIN_STATISTICS = ("rows", "residual", "variance")


def _bins(column: str, groups: Groups, residual: Array, variance: Array) -> pl.DataFrame:
    inside, number = groups.codes >= 0, len(groups.names)
    codes, rows = groups.codes[inside], groups.sizes
    mean = np.bincount(codes, residual[inside], number) / rows
    squares = np.bincount(codes, (residual[inside] - mean[codes]) ** 2, number)
    expected = np.bincount(codes, variance[inside], number) / rows
    # rows predicted right have little variance; the probabilities give the expected one
    least = max(MIN_VARIANCE_SHARE * float(residual.var()), float(np.finfo(np.float64).tiny))
    within = np.maximum(squares / (rows - 1), expected).clip(min=least)
    radius = NORMAL_95 * np.sqrt(within / rows)
    return pl.DataFrame(
        {
            "column": pl.Series([column] * number, dtype=pl.String),
            "group": pl.Series(groups.names, dtype=pl.String),
            "rows": rows,
            "residual": mean,
            "lower": mean - radius,
            "upper": mean + radius,
            "variance": within,
        }
    )


def _effect(groups: Groups, residual: Array) -> float:
    inside, number = groups.codes >= 0, len(groups.names)
    values, codes = residual[inside], groups.codes[inside]
    if number < 2 or len(values) <= number:
        return 0.0
    means = np.bincount(codes, values, number) / groups.sizes
    within = ((values - means[codes]) ** 2).sum()
    total = ((values - values.mean()) ** 2).sum()
    # the variance that one degree of freedom explains by chance
    chance = within / (len(values) - number)
    explained = total - within - (number - 1) * chance
    return float(max(explained / max(total + chance, np.finfo(np.float64).tiny), 0.0))
