"""How predictions differ between the groups of a sensitive column.

Which differences are unfair no number says; several of them cannot all be zero at once where the
groups' base rates differ (Chouldechova 2017, "Fair prediction with disparate impact").
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from onward.errors import ConfigError, suggestion
from onward.evaluation.diagnostics._groups import Groups, grouped
from onward.evaluation.diagnostics._held_out import HeldOut
from onward.evaluation.diagnostics._significance import NORMAL_95
from onward.schema import Field
from onward.tasks.metrics import Array

FEW = 30  # rows of a group, and of those that are positive or not: of fewer, rates say little
CLASSES = 10  # the most frequent ones, where there are more than two
DRAWS = 2_000  # each end of a 95 % interval then rests on 50 of them
PRIOR = 0.25  # rows added to each of the four counts: half a row for a rate of two of them
SHARES = (0.025, 0.975)
CELLS = ("hits", "false_alarms", "misses", "rejections")
RATES = ("base_rate", "selection_rate", "accuracy", "tpr", "fpr", "precision")
MOST = 30  # groups of a column, the largest ones

Distance = Callable[[Array, Array], Array]


def refuse_unread(names: Sequence[str], columns: Sequence[Field]) -> None:
    """Look whether groups can be compared by some columns.

    Args:
        names: of these columns.
        columns: that the model reads.

    Raises:
        ConfigError: if the model does not read one of them.
    """
    known = [field.name for field in columns]
    for name in names:
        if name not in known:
            raise ConfigError(
                f"evaluate.sensitive: {name!r} is not an input of the model, and values of other"
                f" columns are not stored. {suggestion(name, known)}"
            )


def fairness(held_out: HeldOut, columns: Sequence[str], seed: int) -> pl.DataFrame:
    """Of each group of each sensitive column, rates, and their distances to the largest group.

    Of all: ``column``, ``group``, ``rows``, ``few`` (1 where these are too few), ``metric``.
    Of classes: a row is selected if its label is the class in question, the second of two or each
    of more. ``base_rate``, ``selection_rate``, ``accuracy``, ``tpr``, ``fpr``, ``precision`` and
    ``calibration`` (what happened minus the mean probability); ``parity`` (difference of selection
    rates: demographic parity), ``tpr_gap`` and ``fpr_gap`` (both 0: equalized odds) and ``ratio``
    (of selection rates), each but the rates with ``_lower`` and ``_upper``. Of numbers:
    ``actual`` and ``predicted`` means, ``error`` (mean of truth minus prediction), ``mae``, and
    ``error_gap`` and ``mae_gap`` with intervals.

    Source: Calders and Verwer 2010, "Three naive Bayes approaches for discrimination-free
    classification", for parity; Hardt, Price and Srebro 2016, "Equality of Opportunity in
    Supervised Learning", for odds; the US Uniform Guidelines on Employee Selection Procedures 1978,
    section 4D, for the ratio, which is to be 0.8 at least. Intervals are quantiles of the rates
    that the counts leave possible: a Dirichlet distribution with half a row more on either side of
    a rate, as in Brown, Cai and DasGupta 2001, "Interval Estimation for a Binomial Proportion".
    """
    random = np.random.default_rng(seed)
    fields = [field for field in held_out.columns if field.name in columns]
    lines: list[dict[str, Any]] = []
    for field in fields:
        groups = grouped(field, held_out.rows[field.name], 1)
        described = _rates if held_out.task.has_labels else _residuals
        by_size = np.argsort(-groups.sizes, kind="stable")[:MOST]
        largest = int(by_size[0])
        measured = _measured(held_out, groups)
        lines += (
            {"column": field.name, "group": groups.names[place], **line, "metric": measured[place]}
            for place, line in described(held_out, groups, largest, random)
            if place in by_size
        )
    return pl.DataFrame(lines, infer_schema_length=None)


def _measured(held_out: HeldOut, groups: Groups) -> list[float | None]:
    """The metric of each group; None where its rows do not define it."""
    parts = (held_out.where(groups.codes == place) for place in range(len(groups.names)))
    metric = held_out.task.main_metric
    values = (metric(part.target, part.predictions) for part in parts)
    return [value if np.isfinite(value) else None for value in values]


def _rates(
    held_out: HeldOut, groups: Groups, largest: int, random: np.random.Generator
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Place of the group, and what is said of it and one class."""
    task, target, predictions = held_out.task, held_out.target, held_out.predictions
    is_wrong, _ = task.errors(target, predictions)
    for selection in task.selections(target, predictions, CLASSES):
        cells = _cells(selection.happened, selection.selected, groups)
        rates = {name: _rate(name, cells) for name in RATES}
        rates["accuracy"] = _means(~is_wrong, groups)
        gap = selection.happened - selection.probability
        draws = [random.dirichlet(each + PRIOR, DRAWS) for each in cells]
        for place, rows in enumerate(groups.sizes):
            few = bool(rows < FEW or min(_sides(cells[place])) < FEW / 3)
            line = {"class": selection.name, "rows": int(rows), "few": int(few)}
            line |= {name: float(values[place]) for name, values in rates.items()}
            line |= _spread("calibration", gap[groups.codes == place])
            yield place, line | _distances(cells, draws, place, largest)


def _cells(happened: Array, selected: Array, groups: Groups) -> Array:
    """Of each group, how many rows are each of `CELLS`."""
    kinds = 2 * (~selected) + ~happened  # in the order of `CELLS`
    counts = np.bincount(
        groups.codes * len(CELLS) + kinds, minlength=len(groups.names) * len(CELLS)
    )
    return counts.reshape(-1, len(CELLS))


def _sides(cells: Array) -> tuple[int, int]:
    """Rows in which the class is true, and others."""
    hits, false_alarms, misses, rejections = (int(count) for count in cells)
    return hits + misses, false_alarms + rejections


def _rate(name: str, cells: Array) -> Array:
    """From counts, or shares, in the last axis."""
    hits, false_alarms, misses, rejections = np.moveaxis(cells, -1, 0)
    part, whole = {
        "base_rate": (hits + misses, cells.sum(-1)),
        "selection_rate": (hits + false_alarms, cells.sum(-1)),
        "accuracy": (hits + rejections, cells.sum(-1)),
        "tpr": (hits, hits + misses),
        "fpr": (false_alarms, false_alarms + rejections),
        "precision": (hits, hits + false_alarms),
    }[name]
    return _divided(part, whole)


def _distances(
    cells: Array, draws: Sequence[Array], place: int, largest: int
) -> dict[str, float | None]:
    """Of a group to the largest one; none of the largest to itself."""
    if place == largest:
        return {f"{name}{end}": None for name in GAPS for end in ENDS}
    found: dict[str, float | None] = {}
    for name, distance in GAPS.items():
        value = distance(cells[place], cells[largest])
        ends = np.quantile(distance(draws[place], draws[largest]), SHARES)
        found |= _ended(name, float(value), float(ends[0]), float(ends[1]))
    return found


def _difference(name: str) -> Distance:
    """Of a rate of two groups, in points."""

    def distance(one: Array, other: Array) -> Array:
        difference: Array = _rate(name, one) - _rate(name, other)
        return difference

    return distance


def _ratio(one: Array, other: Array) -> Array:
    return _divided(_rate("selection_rate", one), _rate("selection_rate", other))


def _divided(part: Array, whole: Array) -> Array:
    """NaN where there is nothing to divide by."""
    ratio: Array = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return ratio


GAPS: Mapping[str, Distance] = {
    "parity": _difference("selection_rate"),
    "tpr_gap": _difference("tpr"),
    "fpr_gap": _difference("fpr"),
    "ratio": _ratio,
}
ENDS = ("", "_lower", "_upper")


def _residuals(
    held_out: HeldOut, groups: Groups, largest: int, _: np.random.Generator
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Place of the group, and what is said of it."""
    task, target, predictions = held_out.task, held_out.target, held_out.predictions
    error, described = task.residuals(target, predictions), task.describe(target, predictions)
    of_largest = error[groups.codes == largest]
    for place, rows in enumerate(groups.sizes):
        mask = groups.codes == place
        line: dict[str, Any] = {"rows": int(rows), "few": int(rows < FEW)}
        line |= {name: described[name][mask].mean() for name in ("actual", "predicted")}
        line |= _spread("error", error[mask]) | _spread("mae", np.abs(error[mask]))
        if place == largest:
            line |= {f"{name}{end}": None for name in ("error_gap", "mae_gap") for end in ENDS}
        else:
            line |= _gap("error_gap", error[mask], of_largest)
            line |= _gap("mae_gap", np.abs(error[mask]), np.abs(of_largest))
        yield place, line


def _spread(name: str, values: Array) -> dict[str, float | None]:
    """A mean and its interval, which one row has not."""
    mean, radius = float(values.mean()), NORMAL_95 * np.sqrt(_squared_error(values))
    return _ended(name, mean, mean - radius, mean + radius)


def _gap(name: str, one: Array, other: Array) -> dict[str, float | None]:
    """The difference of two means and its interval."""
    mean = float(one.mean() - other.mean())
    radius = NORMAL_95 * np.sqrt(_squared_error(one) + _squared_error(other))
    return _ended(name, mean, mean - radius, mean + radius)


def _squared_error(values: Array) -> float:
    """Of the mean."""
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else float("nan")


def _ended(name: str, *values: float) -> dict[str, float | None]:
    """A value and the ends of its interval, as a table has them."""
    known = (float(value) if np.isfinite(value) else None for value in values)
    return {f"{name}{end}": value for end, value in zip(ENDS, known, strict=True)}


def _means(values: Array, groups: Groups) -> Array:
    means: Array = np.bincount(groups.codes, values, len(groups.names)) / groups.sizes
    return means
