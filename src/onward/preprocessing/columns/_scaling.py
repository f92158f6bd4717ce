"""Scaling of numbers and quantities."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from onnx import TensorProto
from pydantic import FiniteFloat, model_validator

from onward.blocks import numerical
from onward.errors import DataError
from onward.preprocessing.columns._base import Column, Encoded
from onward.preprocessing.columns._quantiles import Knots, interpolate, quantile_knots
from onward.preprocessing.graph import Graph, Value
from onward.rules import Rule

LIMIT = 100.0  # scales; no float32 overflows, and no honest value is this far out
NARROWEST = 1e-6  # of the size of the values: below it, rounding is all that differs
SMALLEST = 1e-37  # onnxruntime takes a constant for 0 that is 0 as float32, and drops its Sub
QUARTILES = 1.349  # from the first to the third, in standard deviations of a normal distribution
LARGEST = float(np.finfo(np.float64).max)
BEND = 30.0  # scales; where the smooth clipping of robust scaling begins to hold back

Scaling = Literal["robust", "standard", "minmax", "quantile"]
Bounds = tuple[float, float]


class NumberSettings(Column.Config):
    """Settings of all columns of numbers.

    ``scaling``: by median and quartiles, by mean and standard deviation, by smallest and largest
    value, or by quantiles.
    ``minimum`` and ``maximum``: the valid range.
    """

    scaling: Scaling = "robust"
    minimum: FiniteFloat | None = None
    maximum: FiniteFloat | None = None

    @model_validator(mode="after")
    def _minimum_is_below_maximum(self) -> Self:
        if None not in (self.minimum, self.maximum) and self.minimum >= self.maximum:  # type: ignore[operator]
            raise ValueError("minimum must be below maximum")
        return self


@dataclass(frozen=True)
class Scale:
    """The fitted scale of a column of numbers."""

    name: str
    """Of the column."""
    center: float
    size: float
    """Of one step of the scale."""
    has_missing: bool
    """Whether a training row has no number."""
    is_bent: bool = False
    """Whether values far out are drawn near."""
    knots: Knots | None = None
    """Of a scaling by quantiles."""

    def dump(self) -> dict[str, Any]:
        """The scale as JSON values."""
        knots = None if self.knots is None else self.knots.dump()
        return {**asdict(replace(self, knots=None)), "knots": knots}

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "Scale":
        """The scale that `dump` has written."""
        knots = document["knots"]
        return cls(**{**document, "knots": None if knots is None else Knots.load(knots)})


def learn_scale(name: str, numbers: np.ndarray, scaling: Scaling, bounds: Bounds | None) -> Scale:
    """The scale of a column.

    Args:
        name: of the column.
        numbers: of all training rows; NaN is missing.
        scaling: how.
        bounds: numbers outside become the bound.

    Raises:
        DataError: if there are no numbers, or all are equal.
    """
    present = numbers[np.isfinite(numbers)]
    if bounds is not None:
        present = present.clip(*bounds)
    if not len(present):
        raise DataError(
            f"column {name!r}: none of the {len(numbers)} training rows has a value."
            " Remove the column from the config"
        )
    spread, largest = float(np.ptp(present)), float(np.abs(present).max())
    if spread <= max(NARROWEST * largest, SMALLEST):
        raise DataError(
            f"column {name!r}: all {len(present)} training values are {present[0]:g}, or differ"
            " only by rounding. Remove the column from the config"
        )
    has_missing = len(present) < len(numbers)
    center, size = CENTER_AND_SIZE[scaling](present / largest)
    center, size = center * largest, max(size * largest, SMALLEST)
    if scaling != "quantile":
        return Scale(name, center, size, has_missing, is_bent=scaling == "robust")
    knots = quantile_knots((present - center) / size)
    return Scale(name, center, size, has_missing, knots=knots)


def out_of_bounds(
    name: str, minimum: float | None, maximum: float | None, remedy: str
) -> list[Rule]:
    """The rules of a column of numbers with bounds."""
    value, rules = pl.col(name), []
    if minimum is not None:
        what = f"a number below `minimum: {minimum:g}`"
        rules.append(Rule((name,), value < minimum, what, remedy))
    if maximum is not None:
        what = f"a number above `maximum: {maximum:g}`"
        rules.append(Rule((name,), value > maximum, what, remedy))
    return rules


def straight_first(scales: Sequence[Scale]) -> list[int]:
    """Their order for `scale_numbers`: columns scaled by quantiles last."""
    return sorted(range(len(scales)), key=lambda index: scales[index].knots is not None)


def scale_numbers(
    graph: Graph, numbers: Value, scales: Sequence[Scale], bounds: Sequence[Bounds] | None = None
) -> list[Encoded]:
    """The scaled numbers of all columns, then the flags of missing values.

    Args:
        graph: where to add the operators.
        numbers: float64 ``(rows, columns)``; NaN and infinite are missing.
        scales: of the columns, those scaled by quantiles last.
        bounds: of each column, if any has bounds.
    """
    is_number = graph("LessOrEqual", graph("Abs", numbers), graph.constant(LARGEST))  # not NaN
    if bounds is not None:
        low, high = np.array(bounds).T
        above = graph("Max", numbers, graph.constant([low]))
        numbers = graph("Min", above, graph.constant([high]))
    centered = graph("Sub", numbers, graph.constant([[scale.center for scale in scales]]))
    steps = graph("Div", centered, graph.constant([[scale.size for scale in scales]]))
    clipped = graph("Clip", steps, graph.constant(-LIMIT), graph.constant(LIMIT))
    bent = _bent(graph, clipped, scales)
    parts = [graph("Where", is_number, bent, graph.constant(0.0, np.float32))]
    owners = [scale.name for scale in scales]
    names = list(owners)
    flagged = [index for index, scale in enumerate(scales) if scale.has_missing]
    if flagged:
        flags = graph("Not", graph.gather(is_number, flagged, axis=1))
        parts.append(graph("Cast", flags, to=TensorProto.FLOAT))
        owners += [scales[index].name for index in flagged]
        names += [f"{scales[index].name} is missing" for index in flagged]
    return [Encoded(graph("Concat", *parts, axis=1), numerical(owners, names))]


def _by_quartiles(values: np.ndarray) -> tuple[float, float]:
    """Median, and the distance of the quartiles as a standard deviation.

    Where the quartiles are equal, as for an amount that is mostly zero, the size is the median
    distance of the values that differ from the median.
    """
    first, median, third = np.quantile(values, [0.25, 0.5, 0.75])
    if third > first:
        return float(median), float(third - first) / QUARTILES
    distances = np.abs(values - median)
    return float(median), float(np.median(distances[distances > 0]))


def _by_deviation(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std())


def _by_range(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(np.ptp(values))


def _around_median(values: np.ndarray) -> tuple[float, float]:
    return float(np.median(values)), float(np.ptp(values))


# of values within [-1, 1]: numbers near the largest float64 overflow in a sum of squares
CENTER_AND_SIZE: dict[Scaling, Callable[[np.ndarray], tuple[float, float]]] = {
    "robust": _by_quartiles,
    "standard": _by_deviation,
    "minmax": _by_range,
    "quantile": _around_median,
}


def _bent(graph: Graph, steps: Value, scales: Sequence[Scale]) -> Value:
    """The scaled numbers of each column, as float32."""
    knots = [scale.knots for scale in scales if scale.knots is not None]
    straight = len(scales) - len(knots)
    bends = [scale.is_bent for scale in scales[:straight]]
    if not knots:
        return _clip_softly(graph, steps, bends)
    if not straight:
        return interpolate(graph, steps, knots)
    sizes = graph.constant([straight, len(knots)], np.int64)
    first, last = graph.outputs("Split", steps, sizes, count=2, axis=1)
    parts = _clip_softly(graph, first, bends), interpolate(graph, last, knots)
    return graph("Concat", *parts, axis=1)


def _clip_softly(graph: Graph, steps: Value, bends: Sequence[bool]) -> Value:
    """Bend by z / sqrt(1 + (z / 30)²) in the columns that ask for it."""
    steps = graph("Cast", steps, to=TensorProto.FLOAT)
    if not any(bends):
        return steps
    part = graph("Mul", steps, graph.constant(1 / BEND, np.float32))
    root = graph("Sqrt", graph("Add", graph("Mul", part, part), graph.constant(1.0, np.float32)))
    bent = graph("Div", steps, root)
    if all(bends):
        return bent
    return graph("Where", graph.constant([bends], np.bool_), bent, steps)
