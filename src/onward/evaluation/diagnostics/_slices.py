"""Parts of the table in which the model is worse than elsewhere."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import polars as pl

from onward.evaluation.bootstrap import estimates
from onward.evaluation.diagnostics._groups import Groups, grouped
from onward.evaluation.diagnostics._held_out import HeldOut
from onward.evaluation.diagnostics._significance import LEVEL, adjusted, exceeds
from onward.tasks.metrics import Array

LEAST = 50  # rows of a slice, and outside; in fewer a difference must be huge to be above chance
MEASURED = 40  # of the worst slices get the metric and its interval, which take time
RESAMPLES = 300  # of each of them; an end of its interval then rests on some 8
EMPTY = pl.DataFrame(
    schema={
        "column": pl.String,
        "place": pl.Int64,
        "slice": pl.String,
        "rows": pl.Int64,
        "loss": pl.Float64,
        "elsewhere": pl.Float64,
        "yardstick": pl.Float64,
        "chance": pl.Float64,
    }
)


def slices(held_out: HeldOut, seed: int) -> pl.DataFrame:
    """Each value of a category, each tenth of a number, each period of a date: how wrong it is.

    A slice is compared with all other rows by the mean loss: log-loss of a class, distance of a
    number. The metric itself would mislead: R² and AUC fall wherever rows are alike, however small
    the errors are. Of the many slices some look bad by chance, so that what counts is the false
    discovery rate over all of them.

    Source: Chung et al. 2019, "Slice Finder: Automated Data Slicing for Model Validation", for the
    comparison with the other rows.
    Differs: a permutation test in place of Welch's t-test, and Benjamini and Hochberg's rate
    in place of alpha-investing, see `exceeds` and `adjusted`.

    Returns:
        ``column``, ``slice``, ``rows``, ``loss``, ``elsewhere`` (mean loss of the other rows),
        ``yardstick`` (its mean loss in the slice), ``rate`` (false discovery rate if the slice is
        said to be worse), and of the first ones ``metric``, ``lower``, ``upper``. The worst first:
        those that are more than chance, then the others, by their distance from elsewhere.
    """
    loss, of_yardstick = (
        held_out.task.losses(held_out.target, predictions)
        for predictions in (held_out.predictions, held_out.yardstick)
    )
    groups = {
        field.name: grouped(field, held_out.rows[field.name], LEAST) for field in held_out.columns
    }
    parts = [_judged(name, each, loss, of_yardstick) for name, each in groups.items() if each.names]
    table = pl.concat([EMPTY, *parts])
    rate = pl.Series("rate", adjusted(table["chance"].to_numpy()), pl.Float64)
    worse = pl.col("loss") - pl.col("elsewhere")
    table = table.with_columns(rate).sort(
        pl.col("rate") <= LEVEL, worse, descending=True, maintain_order=True
    )
    return _measured(table, held_out, groups, seed).drop("chance", "place")


def _judged(column: str, groups: Groups, loss: Array, of_yardstick: Array) -> pl.DataFrame:
    """Of one column, each group that leaves enough rows to compare it with."""
    inside, number = groups.codes >= 0, len(groups.names)
    codes, rows = groups.codes[inside], groups.sizes
    sums, yardstick = (
        np.bincount(codes, values[inside], number) for values in (loss, of_yardstick)
    )
    others = np.maximum(len(loss) - rows, 1)
    table = {
        "column": [column] * number,
        "place": np.arange(number),
        "slice": groups.names,
        "rows": rows,
        "loss": sums / rows,
        "elsewhere": (loss.sum() - sums) / others,
        "yardstick": yardstick / rows,
        "chance": exceeds(loss, groups.codes, number),
    }
    return pl.DataFrame(table, EMPTY.schema).filter(pl.col("rows") <= len(loss) - LEAST)


def _measured(
    table: pl.DataFrame,
    held_out: HeldOut,
    groups: Mapping[str, Groups],
    seed: int,
) -> pl.DataFrame:
    """The metric in the first slices, and its interval."""
    found, metric = [], held_out.task.main_metric
    for column, place in table.head(MEASURED).select("column", "place").iter_rows():
        part = held_out.where(groups[column].codes == place)
        known = estimates(
            {"metric": metric}, part.target, part.predictions, seed, resamples=RESAMPLES
        )
        found.append(asdict(known["metric"]))
    names = ("value", "lower", "upper")
    unknown = [None] * (len(table) - len(found))
    columns = (
        pl.Series(name, [*(each[name] for each in found), *unknown], pl.Float64).fill_nan(None)
        for name in names
    )
    return table.with_columns(columns).rename({"value": "metric"})
