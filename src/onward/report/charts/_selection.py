"""Chart of the column selection."""

from collections.abc import Mapping, Sequence

from onward.report.charts._drawing import draw
from onward.tasks.charts.vega_lite import INK, MODEL, QUIET, Spec, quantity


def selection(curve: Sequence[Mapping[str, float]], num_kept: int) -> str:
    """Validation loss by number of columns; lines are intervals of the distance to the best."""
    lowest = min(point["loss"] - point["worse"] for point in curve)
    rows = [
        {
            **point,
            "low": lowest + point["lower"],
            "high": lowest + point["upper"],
            "is_kept": point["columns"] == num_kept,
        }
        for point in curve
    ]
    scale = {"zero": False}
    most = max(point["columns"] for point in curve)
    ticks = {"values": [point["columns"] for point in curve], "format": ",d", "grid": False}
    x = {**quantity("columns", "columns", scale={"domain": [0, most]}), "axis": ticks}
    y = quantity("loss", "validation loss", scale=scale)
    color = {"condition": {"test": "datum.is_kept", "value": MODEL}, "value": QUIET}
    layers: list[Spec] = [
        {
            "mark": {"type": "line", "color": QUIET, "strokeWidth": 1.5},
            "encoding": {"x": x, "y": y},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {
                "x": x,
                "y": y | {"field": "low"},
                "y2": {"field": "high"},
                "color": color,
            },
        },
        {"mark": {"type": "point", "size": 80}, "encoding": {"x": x, "y": y, "color": color}},
        {
            "mark": {"type": "text", "dy": -16, "color": INK},
            "transform": [{"filter": "datum.is_kept"}],
            "encoding": {"x": x, "y": y | {"field": "high"}, "text": {"value": "kept"}},
        },
    ]
    return draw("Validation loss by number of columns", layers, {"data": {"values": rows}})
