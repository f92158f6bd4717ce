"""How much a prediction needs each column."""

from collections.abc import Callable

import numpy as np
import polars as pl

from onward.metrics import Array, Metric, Predictions

ROWS = 2_000  # at most: what a column is worth is then known to a few percent
REPEATS = 5
CELLS = 40_000_000  # values predicted from, in total: some 20 s; wide tables get fewer rows
LEAST_ROWS = 50


def importance(
    predict: Callable[[pl.DataFrame], Predictions],
    metric: Metric,
    rows: pl.DataFrame,
    target: Array,
    seed: int,
) -> pl.DataFrame:
    """How much worse the metric gets when the values of one column change rows.

    A column whose information others repeat appears to be worth less than it is.

    Source: Breiman 2001, "Random Forests", section 10, with repeats as in scikit-learn.

    Returns:
        ``column``, ``drop`` (its mean; positive is worse) and ``std``, the largest drop first.
    """
    random = np.random.default_rng(seed)
    columns = len(rows.columns)
    most = max(LEAST_ROWS, min(ROWS, CELLS // (REPEATS * columns**2)))
    chosen = np.sort(random.permutation(len(rows))[:most])
    rows, target = rows[chosen], target[chosen]
    sign = 1 if metric.better == "higher" else -1
    base = metric(target, predict(rows))
    repeated = pl.concat([rows] * REPEATS)

    def drops(name: str) -> list[float]:
        order = np.concatenate([random.permutation(len(rows)) for _ in range(REPEATS)])
        shuffled = predict(repeated.with_columns(rows[name][order].alias(name)))
        return [
            sign * (base - metric(target, {key: values[part] for key, values in shuffled.items()}))
            for part in np.split(np.arange(len(repeated)), REPEATS)
        ]

    found = np.array([drops(name) for name in rows.columns])
    table = {"column": rows.columns, "drop": found.mean(1), "std": found.std(1)}
    return pl.DataFrame(table).sort("drop", descending=True, maintain_order=True)
