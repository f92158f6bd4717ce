"""Numbers: centered, scaled, with a flag for missing values."""

import math
from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import polars as pl
from onnx import TensorProto
from pydantic import FiniteFloat, model_validator

from onward.columns._base import Block, Column, Encoded
from onward.columns._quantiles import Knots, interpolated, quantile_knots
from onward.errors import DataError
from onward.graph import Graph, Value
from onward.rule import Rule
from onward.schema import Wire

LIMIT = 100.0  # scales; no float32 overflows, and no honest value is this far out
NARROWEST = 1e-6  # of the size of the values: below it, rounding is all that differs
SMALLEST = 1e-37  # onnxruntime takes a constant for 0 that is 0 as float32, and drops its Sub
QUARTILES = 1.349  # from the first to the third, in standard deviations of a normal distribution
BEND = 3.0  # scales; where the smooth clipping of robust scaling begins to hold back


class Numerical(Column):
    """A real number on a scale of about 1. A missing or infinite value becomes 0, the middle.

    A second number flags missing values, if there are any in the training rows.
    """

    class Config(Column.Config):
        """``scaling`` is by mean and standard deviation, by median and quartiles, or by quantiles.

        The robust one bends values beyond three scales smoothly towards a bound.
        Source: Holzmüller et al. 2024, "Better by Default", section 3.

        The one by quantiles gives the training values a normal distribution: straight lines
        between the quantiles, and nothing beyond the smallest and the largest value.

        ``minimum`` and ``maximum``: numbers beyond them break the contract; or, with ``clip``,
        count as the bound, in training rows as in the exported file.
        """

        type: Literal["numerical"] = "numerical"
        scaling: Literal["standard", "robust", "quantile"] = "standard"
        minimum: FiniteFloat | None = None
        maximum: FiniteFloat | None = None
        clip: bool = False

        @model_validator(mode="after")
        def _bounds_go_together(self) -> Self:
            if self.clip and self.minimum is None and self.maximum is None:
                raise ValueError("clip needs a minimum or a maximum")
            if None not in (self.minimum, self.maximum) and self.minimum >= self.maximum:  # type: ignore[operator]
                raise ValueError("minimum must be below maximum")
            return self

        @property
        def bounds(self) -> tuple[float, float]:
            """Both, infinite where there is none."""
            low = -math.inf if self.minimum is None else self.minimum
            return low, math.inf if self.maximum is None else self.maximum

    config: Config
    wire: Wire = "number"
    examples = {-1.0: (-1.0, 0.0), 1.0: (1.0, 0.0), None: (0.0, 1.0)}
    knots: Knots | None = None

    def rules(self) -> list[Rule]:
        """That numbers are within the bounds, unless they are clipped."""
        return super().rules() + ([] if self.config.clip else self._bounds())

    def _bounds(self) -> list[Rule]:
        value, (low, high) = pl.col(self.name), self.config.bounds
        remedy = "Correct the table or the bound, or set `clip: true`"
        bounds = [
            Rule((self.name,), value < low, f"a number below `minimum: {low:g}`", remedy),
            Rule((self.name,), value > high, f"a number above `maximum: {high:g}`", remedy),
        ]
        is_set = (self.config.minimum is not None, self.config.maximum is not None)
        return [rule for rule, given in zip(bounds, is_set, strict=True) if given]

    def changes(self) -> dict[str, pl.Expr]:
        """Numbers that are clipped."""
        is_within = pl.col(self.name).is_between(*self.config.bounds)
        return {"clipped": ~is_within} if self.config.clip else {}

    def fit(self, values: pl.Series) -> None:
        """Learn the middle, the scale, and whether values are missing."""
        numbers = values.to_numpy()
        present = numbers[np.isfinite(numbers)]
        if self.config.clip:
            present = present.clip(*self.config.bounds)
        if not len(present):
            raise DataError(
                f"column {self.name!r}: none of the {len(values)} training rows has a value."
                " Remove the column from the config"
            )
        spread, size = float(np.ptp(present)), float(np.abs(present).max())
        if spread <= max(NARROWEST * size, SMALLEST):
            raise DataError(
                f"column {self.name!r}: all {len(present)} training values are {present[0]:g}, or"
                " as good as that. Remove the column from the config"
            )
        self.has_missing = len(present) < len(numbers)
        if self.config.scaling == "quantile":
            self.center, self.scale = float(np.median(present)), spread
            self.knots = quantile_knots((present - self.center) / self.scale)
        else:
            self.center, self.scale = _center_and_scale(present, self.config.scaling == "robust")

    @classmethod
    def encode(cls, graph: Graph, columns: "Sequence[Numerical]", raw: Sequence[Value]) -> Encoded:
        """The numbers of all columns, those by quantiles last; then the flags of missing values."""
        order = sorted(range(len(columns)), key=lambda place: columns[place].knots is not None)
        columns = [columns[place] for place in order]
        numbers = graph("Concat", *(raw[place] for place in order), axis=1)  # (rows, columns)
        missing = graph("Or", graph("IsNaN", numbers), graph("IsInf", numbers))
        numbers = _within_bounds(graph, numbers, columns)
        centered = graph("Sub", numbers, graph.constant([[column.center for column in columns]]))
        scaled = graph("Div", centered, graph.constant([[column.scale for column in columns]]))
        clipped = graph("Clip", scaled, graph.constant(-LIMIT), graph.constant(LIMIT))
        bent = _bent(graph, clipped, columns)
        parts = [graph("Where", missing, graph.constant(0.0, np.float32), bent)]
        owners = [column.name for column in columns]
        names = list(owners)
        flagged = [place for place, column in enumerate(columns) if column.has_missing]
        if flagged:
            some = graph("Gather", missing, graph.constant(flagged, np.int64), axis=1)
            parts.append(graph("Cast", some, to=TensorProto.FLOAT))
            owners += [columns[place].name for place in flagged]
            names += [f"{columns[place].name} is missing" for place in flagged]
        value = graph("Concat", *parts, axis=1) if flagged else parts[0]
        return Encoded(numerical=Block(value, tuple(owners), tuple(names)))


def _within_bounds(graph: Graph, numbers: Value, columns: Sequence[Numerical]) -> Value:
    """The numbers, those of columns that clip at the bounds."""
    if not any(column.config.clip for column in columns):
        return numbers
    free = (-math.inf, math.inf)
    bounds = np.array([c.config.bounds if c.config.clip else free for c in columns]).T
    above = graph("Max", numbers, graph.constant(bounds[:1]))
    return graph("Min", above, graph.constant(bounds[1:]))


def _center_and_scale(present: np.ndarray, is_robust: bool) -> tuple[float, float]:
    # numbers near the largest float64 overflow in a sum of squares: work on a small scale
    size = float(np.abs(present).max())
    small = present / size
    first, median, third = np.quantile(small, [0.25, 0.5, 0.75])
    if is_robust and third > first:
        return float(median) * size, float(third - first) / QUARTILES * size
    return float(small.mean()) * size, float(small.std()) * size


def _bent(graph: Graph, scaled: Value, columns: Sequence[Numerical]) -> Value:
    """What the scaling of each column makes of its scaled numbers, as float32."""
    knots = [column.knots for column in columns if column.knots is not None]
    straight = len(columns) - len(knots)
    bends = [column.config.scaling == "robust" for column in columns[:straight]]
    if not knots:
        return _softly_clipped(graph, scaled, bends)
    if not straight:
        return interpolated(graph, scaled, knots)
    sizes = graph.constant([straight, len(knots)], np.int64)
    first, last = graph.outputs("Split", scaled, sizes, count=2, axis=1)
    parts = _softly_clipped(graph, first, bends), interpolated(graph, last, knots)
    return graph("Concat", *parts, axis=1)


def _softly_clipped(graph: Graph, scaled: Value, bends: Sequence[bool]) -> Value:
    """Bend by z / sqrt(1 + (z / 3)²) in the columns that ask for it."""
    scaled = graph("Cast", scaled, to=TensorProto.FLOAT)
    if not any(bends):
        return scaled
    third = graph("Mul", scaled, graph.constant(1 / BEND, np.float32))
    root = graph("Sqrt", graph("Add", graph("Mul", third, third), graph.constant(1.0, np.float32)))
    bent = graph("Div", scaled, root)
    return graph("Where", graph.constant([bends], np.bool_), bent, scaled)
