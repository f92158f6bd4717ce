"""Fairness metrics: differences between the groups of a sensitive column.

No metric decides which differences are unfair, and several cannot be zero at once if the base rates
of the groups differ (Chouldechova 2017, "Fair prediction with disparate impact").
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from onward.errors import ConfigError, suggestion
from onward.evaluation.diagnostics._groups import Groups, group_rows
from onward.evaluation.diagnostics._held_out import HeldOut
from onward.evaluation.diagnostics._significance import NORMAL_95
from onward.schema import Field
from onward.tasks.metrics import Array
from onward.wires import SCALARS, wire_of

FEW_GROUP_ROWS = 30  # rows of a group; a third of them in each class; fewer give noisy rates
MAX_FAIRNESS_CLASSES = 10  # the most frequent ones, of more than two
POSTERIOR_DRAWS = 2_000  # each end of a 95 % interval then rests on 50 of them
PSEUDO_ROWS = 0.25  # pseudo-rows per cell: half a row on each side of a rate, which sums two cells
INTERVAL_QUANTILES = (0.025, 0.975)
CONFUSION_CELLS = ("hits", "false_alarms", "misses", "rejections")
FAIRNESS_RATES = ("base_rate", "selection_rate", "accuracy", "tpr", "fpr", "precision")
MAX_FAIRNESS_GROUPS = 30  # the largest groups of a column

Distance = Callable[[Array, Array], Array]


def refuse_unread(names: Sequence[str], columns: Sequence[Field]) -> None:
    """Check that all sensitive columns are inputs of the model.

    Args:
        names: of the sensitive columns.
        columns: the inputs of the model.

    Raises:
        ConfigError: if one of them is not an input, or has several values in a row.
    """
    inputs = {field.name: field for field in columns}
    for name in names:
        if name not in inputs:
            raise ConfigError(
                f"evaluate.sensitive: {name!r} is not an input of the model, and values of other"
                f" columns are not stored. {suggestion(name, inputs)}"
            )
        if inputs[name].wire not in SCALARS:
            raise ConfigError(
                f"evaluate.sensitive: {name!r} has {wire_of(inputs[name].wire).words} in a row,"
                " which form no groups. Remove it"
            )


def fairness(held_out: HeldOut, columns: Sequence[str], seed: int) -> pl.DataFrame:
    """Rates of each group of each sensitive column, and their distances to the largest group.

    All tasks: ``column``, ``group``, ``rows``, ``few`` (1 if these are too few), ``metric``.
    Classification: a row is selected if its label is the class in question, the second of two or
    each of more. ``base_rate``, ``selection_rate``, ``accuracy``, ``tpr``, ``fpr``, ``precision``
    and ``calibration`` (base rate minus the mean probability); ``parity`` (difference of selection
    rates: demographic parity), ``tpr_gap`` and ``fpr_gap`` (both 0: equalized odds) and ``ratio``
    (of selection rates), all except the rates with ``_lower`` and ``_upper``. Regression:
    ``actual`` and ``predicted`` means, ``error`` (mean of truth minus prediction), ``mae``, and
    ``error_gap`` and ``mae_gap`` with intervals.

    Source: Calders and Verwer 2010, "Three naive Bayes approaches for discrimination-free
    classification", for parity; Hardt, Price and Srebro 2016, "Equality of Opportunity in
    Supervised Learning", for odds; the US Uniform Guidelines on Employee Selection Procedures 1978,
    section 4D, for the ratio, which should be at least 0.8. Intervals are quantiles of the
    posterior of the rates: a Dirichlet distribution with half a row on either side of a rate,
    as in Brown, Cai and DasGupta 2001, "Interval Estimation for a Binomial Proportion".
    """
    random = np.random.default_rng(seed)
    fields = [field for field in held_out.columns if field.name in columns]
    lines: list[dict[str, Any]] = []
    for field in fields:
        groups = group_rows(field, held_out.rows[field.name], 1)
        described = _rates if held_out.task.has_labels else _residuals
        by_size = np.argsort(-groups.sizes, kind="stable")[:MAX_FAIRNESS_GROUPS]
        largest = int(by_size[0])
        measured = _metric_by_group(held_out, groups)
        lines += (
            {"column": field.name, "group": groups.names[group], **line, "metric": measured[group]}
            for group, line in described(held_out, groups, largest, random)
            if group in by_size
        )
    return pl.DataFrame(lines, infer_schema_length=None)


def _metric_by_group(held_out: HeldOut, groups: Groups) -> list[float | None]:
    """The main metric of each group; None if its rows do not define it."""
    parts = (held_out.where(groups.codes == group) for group in range(len(groups.names)))
    metric = held_out.task.main_metric
    values = (metric(part.target, part.predictions) for part in parts)
    return [value if np.isfinite(value) else None for value in values]


def _rates(
    held_out: HeldOut, groups: Groups, largest: int, random: np.random.Generator
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Index of each group with its rates, for each class."""
    task, target, predictions = held_out.task, held_out.target, held_out.predictions
    is_wrong, _ = task.errors(target, predictions)
    for selection in task.selections(target, predictions, MAX_FAIRNESS_CLASSES):
        cells = _cells(selection.happened, selection.selected, groups)
        rates = {name: _rate(name, cells) for name in FAIRNESS_RATES}
        rates["accuracy"] = _means(~is_wrong, groups)
        gap = selection.happened - selection.probability
        draws = [random.dirichlet(counts + PSEUDO_ROWS, POSTERIOR_DRAWS) for counts in cells]
        for group, rows in enumerate(groups.sizes):
            few = bool(
                rows < FEW_GROUP_ROWS
                or min(_positives_and_negatives(cells[group])) < FEW_GROUP_ROWS / 3
            )
            line = {"class": selection.name, "rows": int(rows), "few": int(few)}
            line |= {name: float(values[group]) for name, values in rates.items()}
            line |= _mean_with_interval("calibration", gap[groups.codes == group])
            yield group, line | _distances(cells, draws, group, largest)


def _cells(happened: Array, selected: Array, groups: Groups) -> Array:
    """Counts of `CONFUSION_CELLS`, ``(groups, cells)``."""
    kinds = 2 * (~selected) + ~happened  # in the order of `CONFUSION_CELLS`
    counts = np.bincount(
        groups.codes * len(CONFUSION_CELLS) + kinds,
        minlength=len(groups.names) * len(CONFUSION_CELLS),
    )
    return counts.reshape(-1, len(CONFUSION_CELLS))


def _positives_and_negatives(cells: Array) -> tuple[int, int]:
    """Numbers of positive and negative rows."""
    hits, false_alarms, misses, rejections = (int(count) for count in cells)
    return hits + misses, false_alarms + rejections


def _rate(name: str, cells: Array) -> Array:
    """A rate from counts or shares, whose last axis is `CONFUSION_CELLS`."""
    hits, false_alarms, misses, rejections = np.moveaxis(cells, -1, 0)
    part, whole = {
        "base_rate": (hits + misses, cells.sum(-1)),
        "selection_rate": (hits + false_alarms, cells.sum(-1)),
        "accuracy": (hits + rejections, cells.sum(-1)),
        "tpr": (hits, hits + misses),
        "fpr": (false_alarms, false_alarms + rejections),
        "precision": (hits, hits + false_alarms),
    }[name]
    return _divide(part, whole)


def _distances(
    cells: Array, draws: Sequence[Array], group: int, largest: int
) -> dict[str, float | None]:
    """Distances of a group to the largest one; None for the largest group."""
    if group == largest:
        return {f"{name}{end}": None for name in GROUP_DISTANCES for end in INTERVAL_SUFFIXES}
    distances: dict[str, float | None] = {}
    for name, distance in GROUP_DISTANCES.items():
        value = distance(cells[group], cells[largest])
        ends = np.quantile(distance(draws[group], draws[largest]), INTERVAL_QUANTILES)
        distances |= _cells_of_interval(name, float(value), float(ends[0]), float(ends[1]))
    return distances


def _difference(name: str) -> Distance:
    """The difference of a rate between two groups."""

    def distance(one: Array, other: Array) -> Array:
        difference: Array = _rate(name, one) - _rate(name, other)
        return difference

    return distance


def _ratio(one: Array, other: Array) -> Array:
    return _divide(_rate("selection_rate", one), _rate("selection_rate", other))


def _divide(part: Array, whole: Array) -> Array:
    """The ratio; NaN if the denominator is 0."""
    ratio: Array = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return ratio


GROUP_DISTANCES: Mapping[str, Distance] = {
    "parity": _difference("selection_rate"),
    "tpr_gap": _difference("tpr"),
    "fpr_gap": _difference("fpr"),
    "ratio": _ratio,
}
INTERVAL_SUFFIXES = ("", "_lower", "_upper")


def _residuals(
    held_out: HeldOut, groups: Groups, largest: int, _: np.random.Generator
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Index of each group with its means and errors."""
    task, target, predictions = held_out.task, held_out.target, held_out.predictions
    error, described = task.residuals(target, predictions), task.describe(target, predictions)
    of_largest = error[groups.codes == largest]
    for group, rows in enumerate(groups.sizes):
        mask = groups.codes == group
        line: dict[str, Any] = {"rows": int(rows), "few": int(rows < FEW_GROUP_ROWS)}
        line |= {name: described[name][mask].mean() for name in ("actual", "predicted")}
        line |= _mean_with_interval("error", error[mask]) | _mean_with_interval(
            "mae", np.abs(error[mask])
        )
        if group == largest:
            line |= {
                f"{name}{end}": None
                for name in ("error_gap", "mae_gap")
                for end in INTERVAL_SUFFIXES
            }
        else:
            line |= _difference_of_means("error_gap", error[mask], of_largest)
            line |= _difference_of_means("mae_gap", np.abs(error[mask]), np.abs(of_largest))
        yield group, line


def _mean_with_interval(name: str, values: Array) -> dict[str, float | None]:
    """A mean and its interval, which needs two rows."""
    mean, radius = float(values.mean()), NORMAL_95 * np.sqrt(_squared_error(values))
    return _cells_of_interval(name, mean, mean - radius, mean + radius)


def _difference_of_means(name: str, one: Array, other: Array) -> dict[str, float | None]:
    """The difference of two means, and its interval."""
    mean = float(one.mean() - other.mean())
    radius = NORMAL_95 * np.sqrt(_squared_error(one) + _squared_error(other))
    return _cells_of_interval(name, mean, mean - radius, mean + radius)


def _squared_error(values: Array) -> float:
    """Squared standard error of the mean."""
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else float("nan")


def _cells_of_interval(name: str, *values: float) -> dict[str, float | None]:
    """A value and the ends of its interval, as cells of the table."""
    cells = (float(value) if np.isfinite(value) else None for value in values)
    return {f"{name}{end}": value for end, value in zip(INTERVAL_SUFFIXES, cells, strict=True)}


def _means(values: Array, groups: Groups) -> Array:
    means: Array = np.bincount(groups.codes, values, len(groups.names)) / groups.sizes
    return means
