"""How much a prediction needs each column."""

from collections.abc import Callable

import numpy as np
import polars as pl

from onward.tasks.metrics import Array, Metric, Predictions

ROWS = 2_000  # at most: what a column is worth is then known to a few percent
REPEATS = 5
CELLS = 40_000_000  # values predicted from, in total: some 20 s; wide tables get fewer rows
LEAST_ROWS = 50
GROUPS = 20  # of rows, each left out once; of fewer rows there is no interval
WIDTH = 2.093  # standard errors to each side: Student's t with 19 degrees of freedom, 95 %


def importance(
    predict: Callable[[pl.DataFrame], Predictions],
    metric: Metric,
    rows: pl.DataFrame,
    target: Array,
    seed: int,
    weights: Array | None = None,
) -> pl.DataFrame:
    """How much worse the metric gets when the values of one column change rows.

    A column whose information others repeat appears to be worth less than it is.

    Source: Breiman 2001, "Random Forests", section 10, with repeats as in scikit-learn. The
    interval is a jackknife that leaves out groups of rows: Efron and Tibshirani 1993, "An
    Introduction to the Bootstrap", chapter 11. The mean of the repeats differs from group to group
    by the luck of the rows and by that of the shuffling, so that both count.

    Returns:
        ``column``, ``drop`` (its mean; positive is worse), ``lower`` and ``upper`` (its 95 %
        interval; NaN where so few rows define none), the largest drop first.
    """
    random = np.random.default_rng(seed)
    columns = len(rows.columns)
    most = max(LEAST_ROWS, min(ROWS, CELLS // (REPEATS * columns**2)))
    chosen = np.sort(random.permutation(len(rows))[:most])
    rows, target = rows[chosen], target[chosen]
    of_rows = np.ones(len(rows)) if weights is None else weights[chosen]
    weighed = _with_and_without(len(rows)) * of_rows
    base = _values(metric, target, predict(rows), weighed)
    repeated = pl.concat([rows] * REPEATS)

    def drops(name: str) -> Array:
        order = np.concatenate([random.permutation(len(rows)) for _ in range(REPEATS)])
        shuffled = predict(repeated.with_columns(rows[name][order].alias(name)))
        parts = (
            {key: values[part] for key, values in shuffled.items()}
            for part in np.split(np.arange(len(repeated)), REPEATS)
        )
        after = [_values(metric, target, part, weighed) for part in parts]
        lost: Array = metric.sign * (base - np.mean(after, axis=0))
        return lost

    found = np.array([drops(name) for name in rows.columns])  # (columns, 1 + groups)
    drop, radius = found[:, 0], WIDTH * _error(found[:, 1:])
    table = {"column": rows.columns, "drop": drop, "lower": drop - radius, "upper": drop + radius}
    return pl.DataFrame(table).sort("drop", descending=True, maintain_order=True)


def _with_and_without(rows: int) -> Array:
    """Weights of the rows: all of them, then all but one group after the other."""
    every = np.ones((1, rows))
    if rows < GROUPS:
        return every
    group = np.arange(rows) * GROUPS // rows  # neighbours together: they may be alike
    return np.concatenate([every, group != np.arange(GROUPS)[:, None]])


def _values(metric: Metric, target: Array, predictions: Predictions, weights: Array) -> Array:
    value = metric.ask(target, predictions)
    return np.array([value(of_rows) for of_rows in weights])


def _error(without: Array) -> Array:
    """The standard error of each column, from its values without each group."""
    groups = without.shape[1]
    if not groups:
        return np.full(len(without), np.nan)
    error: Array = without.std(axis=1) * np.sqrt(groups - 1)
    return error
