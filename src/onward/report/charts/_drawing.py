"""What all charts are drawn with: the theme, and Vega-Lite's renderer.

Each is small enough for a phone; a wide page puts several side by side.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from onward.tasks.charts.vega_lite import GRID, HEIGHT, INK, MODEL, MUTED, QUIET, WIDTH, Chart, Spec

NEEDLESS = r'<defs>.*?</defs>| (?:clip-path|aria-[a-z]+|role)="[^"]*"'
"""In a drawing: numbered clips, which clash on a page, and words for readers at every mark."""

UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold, on which the renderer ends the process, or the language of Vega."""

THEME: Spec = {
    # descriptions for readers of a screen would be expressions of Vega, with the names of classes
    # and columns as code; `draw` writes the label of the chart itself
    "aria": False,
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


def svg(chart: Chart) -> str:
    """The chart as markup."""
    return draw(chart.label, chart.layers, chart.settings)


def draw(label: str, layers: Sequence[Spec], settings: Mapping[str, Any] | None = None) -> str:
    spec = {
        "config": THEME,
        "width": WIDTH,
        "height": HEIGHT,
        "layer": list(layers),
        **(settings or {}),
    }
    import vl_convert  # 40 MB that pages without such charts do without

    svg: str = vl_convert.vegalite_to_svg(_printable(spec))
    plain = re.sub(NEEDLESS, "", svg)
    return plain.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)


def _printable(value: Any) -> Any:
    """The same part of a chart, a blank in place of each such character of its names."""
    if isinstance(value, str):
        return UNPRINTABLE.sub(" ", value)
    if isinstance(value, Mapping):
        return {_printable(name): _printable(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(entry) for entry in value]
    return value
