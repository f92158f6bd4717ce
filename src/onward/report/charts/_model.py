"""Charts of losses, feature importance and baselines."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from onward.report.charts._drawing import draw
from onward.tasks.charts.vega_lite import INK, MODEL, MUTED, OTHER, QUIET, quantity

MOST_BARS = 20


def learning_curves(history: Sequence[Mapping[str, float]]) -> str:
    """Training and validation loss of each epoch; a rule where validation was best."""
    parts = {"training": "train/loss", "validation": "validation/loss"}
    rows = [
        {"epoch": epoch["epoch"], "loss": epoch[key], "rows": part}
        for epoch in history
        for part, key in parts.items()
    ]
    best = min(history, key=lambda epoch: epoch["validation/loss"])["epoch"]
    x = quantity("epoch", "epoch", scale={"nice": False, "zero": False})
    color = {"domain": list(parts), "range": [QUIET, MODEL]}
    legend = {"orient": "top", "title": None, "labelColor": INK, "symbolStrokeWidth": 3}
    lines = {
        "data": {"values": rows},
        "mark": {"type": "line", "point": len(history) == 1},
        "encoding": {
            "x": x,
            "y": quantity("loss", "loss", scale={"zero": False}),
            "color": {"field": "rows", "type": "nominal", "scale": color, "legend": legend},
        },
    }
    rule = {
        "data": {"values": [{"epoch": best, "text": f"best: {best}"}]},
        "encoding": {"x": x},
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [3, 3]}},
            {
                "mark": {"type": "text", "y": 6, "align": "right", "dx": -5, "color": MUTED},
                "encoding": {"text": {"field": "text"}},
            },
        ],
    }
    return draw("Training and validation loss by epoch", [rule, lines])


def importance(table: pl.DataFrame, metric: str) -> str:
    """The columns whose loss costs most, with the interval of each."""
    top = table.head(MOST_BARS)
    y = {"field": "column", "type": "nominal", "sort": None, "title": None}
    bars = {
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {"y": y, "x": quantity("drop", f"lost {metric}")},
    }
    spread = {
        "mark": {"type": "rule", "color": INK, "strokeWidth": 1.5},
        "encoding": {"y": y, "x": quantity("lower", f"lost {metric}"), "x2": {"field": "upper"}},
    }
    size = {"height": {"step": 20}, "data": {"values": top.to_dicts()}}
    return draw("Columns by importance", [bars, spread], size)


def intervals(rows: Sequence[Mapping[str, Any]], metric: str) -> str:
    """Model and baselines on one axis: value and 95 % interval of each.

    Args:
        rows: each with ``name``, ``value``, ``lower``, ``upper``; the model first.
        metric: title of the axis.
    """
    y = {"field": "name", "type": "nominal", "sort": None, "title": None}
    names = [row["name"] for row in rows]
    color = {
        "field": "name",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": names, "range": [MODEL, *[OTHER] * (len(names) - 1)]},
    }
    x = quantity("lower", metric, scale={"zero": False})
    span = {
        "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.5},
        "encoding": {"y": y, "color": color, "x": x, "x2": {"field": "upper"}},
    }
    points = {
        "mark": {"type": "point", "size": 90},
        "encoding": {"y": y, "color": color, "x": x | {"field": "value"}},
    }
    size = {"height": {"step": 34}, "data": {"values": list(rows)}}
    return draw(f"{metric} of the model and the baselines", [span, points], size)


def differences(rows: Sequence[Mapping[str, Any]], metric: str) -> str:
    """The model minus each baseline, with the paired 95 % interval; the line is no difference.

    Args:
        rows: each with ``name``, ``value``, ``lower``, ``upper``.
        metric: title of the axis.
    """
    y = {"field": "name", "type": "nominal", "sort": None, "title": None}
    x = quantity("lower", f"difference of {metric}")
    span = {
        "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.5, "color": MODEL},
        "encoding": {"y": y, "x": x, "x2": {"field": "upper"}},
    }
    points = {
        "mark": {"type": "point", "size": 90},
        "encoding": {"y": y, "x": x | {"field": "value"}},
    }
    none = {
        "data": {"values": [{"x": 0}]},
        "mark": {"type": "rule", "color": OTHER, "strokeDash": [4, 4], "strokeWidth": 1.5},
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }
    size = {"height": {"step": 34}, "data": {"values": list(rows)}}
    return draw(f"Difference of {metric} from each baseline", [none, span, points], size)
