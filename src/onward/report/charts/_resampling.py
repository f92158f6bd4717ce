"""Models that were made from other rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from onward.report.charts._drawing import draw
from onward.tasks.charts.vega_lite import MODEL, MUTED, OTHER, SHORT, WIDE, Spec, quantity


def folds(rows: Sequence[Mapping[str, Any]], mean: Mapping[str, float], metric: str) -> str:
    """A point for each fold; a line for their mean, a band for its interval.

    Args:
        rows: each with ``fold`` and ``value``.
        mean: ``mean``, ``lower`` and ``upper``.
        metric: title of the axis.
    """
    names = [str(row["fold"]) for row in rows]
    x = {
        "field": "fold",
        "type": "ordinal",
        "sort": names,
        "title": "fold",
        "axis": {"labelAngle": 0},
    }
    layers: list[Spec] = [
        {
            "data": {"values": [dict(mean)]},
            "mark": {"type": "rect", "color": MODEL, "opacity": 0.15},
            "encoding": {"y": _value("lower", metric), "y2": {"field": "upper"}},
        },
        {
            "data": {"values": [dict(mean)]},
            "mark": {"type": "rule", "color": MODEL, "strokeWidth": 2},
            "encoding": {"y": _value("mean", metric)},
        },
        {
            "data": {"values": [{**row, "fold": str(row["fold"])} for row in rows]},
            "mark": {"type": "point", "color": OTHER, "size": 70},
            "encoding": {"x": x, "y": _value("value", metric)},
        },
    ]
    return draw(f"{metric} of each fold", layers)


def by_training_rows(rows: Sequence[Mapping[str, Any]], metric: str) -> str:
    """A point with its interval for each number of training rows, joined by a line.

    Args:
        rows: each with ``rows``, ``value``, ``lower``, ``upper``.
        metric: title of the axis.
    """
    counts = [row["rows"] for row in rows]
    is_wide = max(counts) > WIDE * min(counts)
    scale = {"type": "log"} if is_wide else {"zero": True}
    x = quantity("rows", "training rows", SHORT, scale)
    layers: list[Spec] = [
        {
            "mark": {"type": "line", "color": MUTED, "strokeWidth": 1.5},
            "encoding": {"x": x, "y": _value("value", metric)},
        },
        {
            "mark": {"type": "rule", "color": MODEL, "strokeWidth": 3, "opacity": 0.5},
            "encoding": {"x": x, "y": _value("lower", metric), "y2": {"field": "upper"}},
        },
        {
            "mark": {"type": "point", "color": MODEL, "size": 70},
            "encoding": {"x": x, "y": _value("value", metric)},
        },
    ]
    return draw(f"{metric} by training rows", layers, {"data": {"values": list(rows)}})


def _value(field: str, metric: str) -> Spec:
    return quantity(field, metric, scale={"zero": False})
