"""Permutation importance of the columns."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from onward.table.vectors import row_size
from onward.tasks.metrics import Array, Metric, Predictions

MAX_SHUFFLED_ROWS = 2_000  # at most; the error of an importance is then a few percent
SHUFFLES = 5
MAX_SHUFFLED_CELLS = 40_000_000  # input values, some 20 s; wide tables get fewer rows
MIN_SHUFFLED_ROWS = 50
JACKKNIFE_GROUPS = 20  # of rows, each left out once; fewer rows have no interval
ROUNDING = 1e-12  # of the metric
JACKKNIFE_T = 2.093  # standard errors to each side: Student's t with 19 degrees of freedom, 95 %


def importance(
    predict: Callable[[pl.DataFrame], Predictions],
    metric: Metric,
    rows: pl.DataFrame,
    target: Array,
    seed: int,
    weights: Array | None = None,
) -> pl.DataFrame:
    """The drop in the metric when one column is shuffled.

    The importance of a column is underestimated if other columns carry the same information.

    Source: Breiman 2001, "Random Forests", section 10, with repeats as in scikit-learn. The
    interval is a jackknife that leaves out groups of rows: Efron and Tibshirani 1993, "An
    Introduction to the Bootstrap", chapter 11. Groups differ by rows and shuffling, so the
    interval covers both sources of variation.

    Returns:
        ``column``, ``drop`` (its mean; positive is worse), ``lower`` and ``upper`` (the 95 %
        interval; NaN with fewer than 20 rows), the largest drop first.
    """
    random = np.random.default_rng(seed)
    cells_limit = MAX_SHUFFLED_CELLS // (SHUFFLES * len(rows.columns) * row_size(rows))
    num_rows = max(MIN_SHUFFLED_ROWS, min(MAX_SHUFFLED_ROWS, cells_limit))
    chosen = np.sort(random.permutation(len(rows))[:num_rows])
    rows, target = rows[chosen], target[chosen]
    of_rows = np.ones(len(rows)) if weights is None else weights[chosen]
    jackknife = _jackknife_weights(len(rows)) * of_rows
    repeated = pl.concat([rows] * SHUFFLES)

    def values_shuffled(name: str) -> Array:
        order = np.concatenate([random.permutation(len(rows)) for _ in range(SHUFFLES)])
        predictions = predict(repeated.with_columns(rows[name][order].alias(name)))
        parts = [_values(metric, target, part, jackknife) for part in _split(predictions)]
        mean: Array = np.mean(parts, axis=0)
        return mean

    before = _values(metric, target, predict(rows), jackknife)
    after = np.array([values_shuffled(name) for name in rows.columns])  # (columns, 1 + groups)
    return _ranking(rows.columns, metric.sign * _differences(before, after))


def _differences(before: Array, after: Array) -> Array:
    """The changes of the metric; those by rounding are 0."""
    change = before - after
    return np.where(np.abs(change) <= ROUNDING * np.abs(before), 0.0, change)


def _ranking(columns: Sequence[str], drops: Array) -> pl.DataFrame:
    drop, radius = drops[:, 0], JACKKNIFE_T * _jackknife_error(drops[:, 1:])
    table = {"column": columns, "drop": drop, "lower": drop - radius, "upper": drop + radius}
    return pl.DataFrame(table).sort("drop", descending=True, maintain_order=True)


def _jackknife_weights(rows: int) -> Array:
    """Row weights, ``(1 + groups, rows)``: all rows, then all but one group each."""
    every = np.ones((1, rows))
    if rows < JACKKNIFE_GROUPS:
        return every
    # neighbouring rows share a group: they may be correlated
    group = np.arange(rows) * JACKKNIFE_GROUPS // rows
    return np.concatenate([every, group != np.arange(JACKKNIFE_GROUPS)[:, None]])


def _split(predictions: Predictions) -> list[Predictions]:
    """The predictions of each shuffle."""
    parts = {name: np.split(values, SHUFFLES) for name, values in predictions.items()}
    return [{name: parts[name][repeat] for name in parts} for repeat in range(SHUFFLES)]


def _values(metric: Metric, target: Array, predictions: Predictions, weights: Array) -> Array:
    value = metric.ask(target, predictions)
    return np.array([value(of_rows) for of_rows in weights])


def _jackknife_error(without: Array) -> Array:
    """The jackknife standard error of each column."""
    groups = without.shape[1]
    if not groups:
        return np.full(len(without), np.nan)
    error: Array = without.std(axis=1) * np.sqrt(groups - 1)
    return error
