"""What all charts are drawn with: theme, colors, axes.

Each is small enough for a phone; a wide page puts several side by side. Colors are CSS variables
(`COLORS`), so that one drawing serves light and dark pages, and paper.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import polars as pl
import vl_convert

Spec = dict[str, Any]

QUANTITY = {"type": "quantitative"}
LINEAR: Mapping[str, Any] = {"type": "linear"}
SHORT = "format(datum.value, abs(datum.value) < 1000 ? '~g' : '~s')"  # 0.1, 250, 30k
PERCENT = "format(datum.value, '~%')"
WIDTH, HEIGHT = 300, 220  # pixels inside the axes
NEEDLESS = r'<defs>.*?</defs>| (?:clip-path|aria-[a-z]+|role)="[^"]*"'
"""In a drawing: numbered clips, which clash on a page, and words for readers at every mark."""
WIDE = 1_000.0  # ratio of the largest to the smallest value, from which an axis is logarithmic
MODEL, OTHER, QUIET = "var(--model)", "var(--other)", "var(--quiet)"
INK, MUTED, GRID, PAPER = "var(--ink)", "var(--muted)", "var(--grid)", "var(--card)"
COLORS = (MODEL, OTHER, QUIET, INK, MUTED, GRID, PAPER)
"""What the page has to define."""

THEME: Spec = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "padding": {"left": 14, "top": 4, "right": 8, "bottom": 4},  # fonts of browsers are wider
    "view": {"stroke": None},
    "axis": {
        "domainColor": GRID,
        "gridColor": GRID,
        "tickColor": GRID,
        "labelColor": MUTED,
        "titleColor": INK,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelLimit": 150,
        "tickCount": 5,
        "labelSeparation": 10,
    },
    "line": {"color": MODEL, "strokeWidth": 2},
    "point": {"color": MODEL, "filled": True, "size": 50, "opacity": 1},
    "bar": {"color": MODEL},
    "rule": {"color": QUIET},
    "text": {"color": INK, "fontSize": 11},
}


def quantity(field: str, title: str, label: str = "", scale: Mapping[str, Any] = LINEAR) -> Spec:
    """A quantity; ``label`` says in Vega's language how its numbers are written."""
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
    low, high = ends_of(values)
    return {"type": "log" if low > 0 and high / low > WIDE else "linear"}


def ends_of(values: pl.Series) -> tuple[float, float]:
    low, high = values.min(), values.max()
    assert isinstance(low, float)
    assert isinstance(high, float)
    return low, high


def drawn(label: str, layers: Sequence[Spec], settings: Mapping[str, Any] | None = None) -> str:
    spec = {
        "config": THEME,
        "width": WIDTH,
        "height": HEIGHT,
        "layer": list(layers),
        **(settings or {}),
    }
    svg: str = vl_convert.vegalite_to_svg(spec)
    plain = re.sub(NEEDLESS, "", svg)
    return plain.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)
