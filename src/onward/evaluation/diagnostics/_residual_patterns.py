"""What the residuals still know of each column: a pattern there was left unlearned."""

import numpy as np
import polars as pl

from onward.evaluation.diagnostics._groups import Groups, grouped
from onward.evaluation.diagnostics._held_out import HeldOut
from onward.evaluation.diagnostics._significance import LEVEL, NORMAL_95, adjusted, differ
from onward.tasks.metrics import Array

LEAST = 30  # rows of a bin
DRAWN = 12  # columns whose bins are kept: more than anybody looks at
FLAT = 1e-6  # of the variance of all residuals; less in a bin is rounding


def patterns(held_out: HeldOut) -> dict[str, pl.DataFrame]:
    """Mean residual in the groups of each column, and whether they differ by more than chance.

    Returns:
        ``patterns``: of each column its groups, ``effect`` (the share of the variance of the
        residuals that their means explain, less what chance would) and ``rate`` (false discovery
        rate if it is said to be a pattern), strongest first. ``pattern_bins``: of the first
        columns each group with its rows, mean residual, and 95 % interval of that mean.

    Source: the effect is Hays 1963, "Statistics for Psychologists", omega squared.
    """
    residual = held_out.task.residuals(held_out.target, held_out.predictions)
    variance = held_out.task.variances(held_out.predictions)
    groups = {
        field.name: grouped(field, held_out.rows[field.name], LEAST) for field in held_out.columns
    }
    bins = {name: _bins(name, each, residual, variance) for name, each in groups.items()}
    chances = [differ(*(table[key].to_numpy() for key in ASKED)) for table in bins.values()]
    summary = pl.DataFrame(
        {
            "column": list(bins),
            "groups": [len(table) for table in bins.values()],
            "effect": [_effect(each, residual) for each in groups.values()],
            "rate": adjusted(np.array(chances)),
        }
    ).sort(pl.col("rate") <= LEVEL, "effect", descending=True, maintain_order=True)
    drawn = [bins[name] for name in summary["column"][:DRAWN]]
    return {"patterns": summary, "pattern_bins": pl.concat(drawn).drop("variance")}


ASKED = ("rows", "residual", "variance")


def _bins(column: str, groups: Groups, residual: Array, variance: Array) -> pl.DataFrame:
    inside, number = groups.codes >= 0, len(groups.names)
    codes, rows = groups.codes[inside], groups.sizes
    mean = np.bincount(codes, residual[inside], number) / rows
    squares = np.bincount(codes, (residual[inside] - mean[codes]) ** 2, number)
    expected = np.bincount(codes, variance[inside], number) / rows
    # rows that all went well have little variance, but a probability says how many might not
    least = max(FLAT * float(residual.var()), float(np.finfo(np.float64).tiny))
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
    known, codes = residual[inside], groups.codes[inside]
    if number < 2 or len(known) <= number:
        return 0.0
    means = np.bincount(codes, known, number) / groups.sizes
    within = ((known - means[codes]) ** 2).sum()
    total = ((known - known.mean()) ** 2).sum()
    chance = within / (len(known) - number)  # what one degree of freedom explains of noise
    explained = total - within - (number - 1) * chance
    return float(max(explained / max(total + chance, np.finfo(np.float64).tiny), 0.0))
