"""A piecewise linear function from the quantiles of training values to a normal distribution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from onnx import TensorProto

from onward.preprocessing.graph import Graph, Value

QUANTILES = 100  # more cost time: every row is compared with each of them
CLOSEST = 1e-12  # of their distance from the median; nearer, the slope between two is rounding
TINIEST = 1e-30  # of the range; what the runtime takes for equal


@dataclass(frozen=True)
class Knots:
    """The knots of the function."""

    places: np.ndarray
    """Ascending, ``(knots,)``."""
    heights: np.ndarray
    """``(knots,)``"""

    def dump(self) -> dict[str, Any]:
        """The knots as JSON values."""
        return {name: values.tolist() for name, values in vars(self).items()}

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "Knots":
        """The knots that `dump` has written."""
        return cls(**{name: np.array(values) for name, values in document.items()})


def quantile_knots(values: np.ndarray) -> Knots:
    """The quantiles of ``values``, of median 0 and range 1, and those of a normal distribution.

    A value that is several quantiles gets the height of the middle one.
    """
    shares = np.linspace(0, 1, QUANTILES)
    quantiles = np.quantile(values, shares)
    distance = np.maximum(np.abs(quantiles), np.abs(np.roll(quantiles, 1)))
    group = np.cumsum(np.diff(quantiles, prepend=quantiles[0]) > CLOSEST * distance + TINIEST)
    counts = np.bincount(group)
    middle = np.bincount(group, shares) / counts
    edge = 0.5 / len(values)
    normal = NormalDist()
    heights = [normal.inv_cdf(share) for share in middle.clip(edge, 1 - edge)]
    places = quantiles[np.searchsorted(group, np.arange(len(counts)))]
    return Knots(places, np.array(heights))


def interpolate(graph: Graph, values: Value, columns: Sequence[Knots]) -> Value:
    """Add the functions of all columns: `numpy.interp`, as float32.

    Args:
        graph: where to add them.
        values: float64, ``(rows, columns)``.
        columns: the knots of each.
    """
    lines = max(len(knots.places) for knots in columns) - 1
    limits = graph.constant([knots.places[0] for knots in columns])
    values = graph("Max", values, limits)
    values = graph("Min", values, graph.constant([knots.places[-1] for knots in columns]))
    ends = [_pad(knots.places[1:-1], lines, np.inf) for knots in columns]
    column = graph("Unsqueeze", values, graph.constant([2], np.int64))  # (rows, columns, 1)
    is_beyond = graph("GreaterOrEqual", column, graph.constant(ends))
    # onnxruntime sums float32 ten times faster than int64
    passed = graph("Cast", is_beyond, to=TensorProto.FLOAT)
    line = graph("ReduceSum", passed, graph.constant([2], np.int64), keepdims=0)
    offsets = graph.constant(np.arange(len(columns)) * lines, np.int64)
    line = graph("Add", graph("Cast", line, to=TensorProto.INT64), offsets)
    starts = [_pad(knots.places[:-1], lines, 0) for knots in columns]
    heights = [_pad(knots.heights[:-1], lines, 0) for knots in columns]
    slopes = [np.diff(knots.heights) / np.diff(knots.places) for knots in columns]
    start, height, slope = (
        graph("Gather", graph.constant(np.concatenate(table)), line)
        for table in (starts, heights, [_pad(slope, lines, 0) for slope in slopes])
    )
    result = graph("Add", height, graph("Mul", graph("Sub", values, start), slope))
    return graph("Cast", result, to=TensorProto.FLOAT)


def _pad(values: np.ndarray, length: int, value: float) -> np.ndarray:
    return np.pad(values, (0, length - len(values)), constant_values=value)
