"""Charts in Vega-Lite, which the report renders.

Colors are CSS variables, so that one drawing serves light and dark pages, and paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

Spec = dict[str, Any]

QUANTITY = {"type": "quantitative"}
LINEAR: Mapping[str, Any] = {"type": "linear"}
SHORT = "format(datum.value, abs(datum.value) < 1000 ? '~g' : '~s')"  # 0.1, 250, 30k
IN_FULL = "format(datum.value, '~g')"  # 2007
PERCENT = "format(datum.value, '~%')"
WIDTH, HEIGHT = 300, 220  # pixels inside the axes
WIDE = 1_000.0  # ratio of the largest to the smallest value, from which an axis is logarithmic
MODEL, OTHER, QUIET = "var(--model)", "var(--other)", "var(--quiet)"
INK, MUTED, GRID, PAPER = "var(--ink)", "var(--muted)", "var(--grid)", "var(--card)"
COLORS = (MODEL, OTHER, QUIET, INK, MUTED, GRID, PAPER)
"""CSS variables that the page must define."""


@dataclass(frozen=True)
class Chart:
    """Layers of a chart. The report sets theme and size."""

    label: str
    """A description for screen readers."""
    layers: Sequence[Spec]
    """Vega-Lite layers with their data."""
    settings: Spec = field(default_factory=dict)
    """Settings of all layers: ``data``, ``encoding``, ``height``."""


def quantity(field: str, title: str, label: str = "", scale: Mapping[str, Any] = LINEAR) -> Spec:
    """A quantitative axis; ``label`` is a Vega expression for its labels."""
    axis = {"labelExpr": label} if label else {}
    return {"field": field, **QUANTITY, "title": title, "axis": axis, "scale": scale}


def curve_layers(
    table: pl.DataFrame, names: Mapping[str, str], line: Sequence[tuple[float, float]]
) -> list[Spec]:
    """A reference and a curve above it, both axes from 0 to 1."""
    (x, x_title), (y, y_title) = names.items()
    scale = {"domain": [0, 1]}
    curve = {
        "data": {"values": table.to_dicts()},
        "mark": {"type": "line", "interpolate": "linear"},
        "encoding": {
            "x": quantity(x, x_title, scale=scale),
            "y": quantity(y, y_title, scale=scale),
            "order": {"field": "place", **QUANTITY},
        },
    }
    ordered = table.with_row_index("place").to_dicts()
    return [reference(line, (x, y)), {**curve, "data": {"values": ordered}}]


def reference(points: Sequence[tuple[float, float]], names: tuple[str, str]) -> Spec:
    """A dashed line."""
    return {
        "data": {"values": [dict(zip(names, point, strict=True)) for point in points]},
        "mark": {"type": "line", "color": OTHER, "strokeDash": [4, 4], "strokeWidth": 1.5},
        "encoding": {
            axis: {"field": name, **QUANTITY} for axis, name in zip("xy", names, strict=True)
        },
    }


def scale_for(values: pl.Series) -> Spec:
    """Logarithmic where positive values span orders of magnitude."""
    low, high = ends_of(values)
    return {"type": "log" if low > 0 and high / low > WIDE else "linear"}


def ends_of(values: pl.Series) -> tuple[float, float]:
    """The lowest and the highest value."""
    low, high = values.min(), values.max()
    assert isinstance(low, float)
    assert isinstance(high, float)
    return low, high
