"""How much a prediction needs each column."""

from collections.abc import Callable, Sequence

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
    most = max(LEAST_ROWS, min(ROWS, CELLS // (REPEATS * len(rows.columns) ** 2)))
    chosen = np.sort(random.permutation(len(rows))[:most])
    rows, target = rows[chosen], target[chosen]
    of_rows = np.ones(len(rows)) if weights is None else weights[chosen]
    weighed = _with_and_without(len(rows)) * of_rows
    repeated = pl.concat([rows] * REPEATS)

    def shuffled(name: str) -> Array:
        order = np.concatenate([random.permutation(len(rows)) for _ in range(REPEATS)])
        predictions = predict(repeated.with_columns(rows[name][order].alias(name)))
        parts = [_values(metric, target, part, weighed) for part in _split(predictions)]
        mean: Array = np.mean(parts, axis=0)
        return mean

    before = _values(metric, target, predict(rows), weighed)
    after = np.array([shuffled(name) for name in rows.columns])  # (columns, 1 + groups)
    return _ranked(rows.columns, metric.sign * (before - after))


def _ranked(columns: Sequence[str], drops: Array) -> pl.DataFrame:
    drop, radius = drops[:, 0], WIDTH * _error(drops[:, 1:])
    table = {"column": columns, "drop": drop, "lower": drop - radius, "upper": drop + radius}
    return pl.DataFrame(table).sort("drop", descending=True, maintain_order=True)


def _with_and_without(rows: int) -> Array:
    """Weights of the rows: all of them, then all but one group after the other."""
    every = np.ones((1, rows))
    if rows < GROUPS:
        return every
    group = np.arange(rows) * GROUPS // rows  # neighbours together: they may be alike
    return np.concatenate([every, group != np.arange(GROUPS)[:, None]])


def _split(predictions: Predictions) -> list[Predictions]:
    """Those of each repeat."""
    parts = {name: np.split(values, REPEATS) for name, values in predictions.items()}
    return [{name: parts[name][repeat] for name in parts} for repeat in range(REPEATS)]


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
