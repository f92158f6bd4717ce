"""How values are spread."""

from collections.abc import Mapping, Sequence
from html import escape

from onward.report.charts._drawing import draw
from onward.tasks.charts.vega_lite import MODEL, PAPER, SHORT, quantity


def histogram(spread: Mapping[str, Sequence[float]], name: str) -> str:
    """Rows by value; the outer bars hold all values beyond."""
    edges, counts = spread["edges"], spread["counts"]
    rows = [
        {"low": low, "high": high, "rows": count}
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    ]
    bars = {
        "data": {"values": rows},
        "mark": {"type": "rect", "color": MODEL, "stroke": PAPER},
        "encoding": {
            "x": quantity("low", name, SHORT, {"zero": False, "nice": False}),
            "x2": {"field": "high"},
            "y": quantity("rows", "rows", SHORT),
            "y2": {"datum": 0},
        },
    }
    return draw(f"Rows by {name}", [bars], {"height": 120})


def sparkline(counts: Sequence[float], label: str) -> str:
    """A histogram the size of a word."""
    highest, width, height = max(counts, default=0) or 1, 96, 22
    step = width / max(len(counts), 1)
    bars = "".join(
        f"M{index * step:.1f} {height}v{-height * count / highest:.1f}h{step * 0.86:.1f}V{height}z"
        for index, count in enumerate(counts)
    )
    return (
        f'<svg role="img" aria-label="{escape(label)}" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}"><path fill="{MODEL}" d="{bars}"/></svg>'
    )
