"""Predictions and residuals along one column."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from onward.report.charts._drawing import draw
from onward.tasks.charts.vega_lite import (
    IN_FULL,
    INK,
    MODEL,
    MUTED,
    OTHER,
    QUANTITY,
    QUIET,
    SHORT,
    Spec,
    quantity,
)

MOST_GROUPS = 20  # of a column whose residuals are drawn
MS = 86_400_000  # milliseconds of a day
LOOSE: Mapping[str, Any] = {"zero": False, "nice": False}
FAINT = 0.35
SHORTENED = 10_000  # numbers from here on are written as 10k; years are not


def dependence(means: pl.DataFrame, lines: pl.DataFrame, rug: pl.DataFrame, title: str) -> str:
    """Mean prediction by value, above the lines of single rows.

    Args:
        means: ``kind``, ``place``, ``value``, ``number``, ``output``, ``mean``, of one column.
        lines: ``place``, ``line``, ``prediction``; none of several outputs.
        rug: ``number``, the deciles.
        title: of the axis of predictions.
    """
    values = means.unique("place", maintain_order=True)
    single = lines.join(values.select("place", "value", "number"), on="place")
    single = single.sort("line", "place")
    label = "Prediction by value of a column"
    if means["kind"][0] == "value":
        return draw(label, _dots(means, single, title), {"height": {"step": 20}})
    is_date = means["kind"][0] == "date"
    x = _along(means["number"], is_date)
    if is_date:
        means, single, rug = (
            frame.with_columns(pl.col("number").cast(pl.Float64) * MS)
            for frame in (means, single, rug)
        )
    return draw(label, [_ticks(rug, x), *_curves(means, single, x, title)])


def _along(numbers: pl.Series, is_date: bool) -> Spec:
    if is_date:
        scale = {"type": "utc"}
        return {"field": "number", "type": "temporal", "title": None, "scale": scale}
    has_few_digits = numbers.is_between(-SHORTENED, SHORTENED).all()
    return quantity("number", "", IN_FULL if has_few_digits else SHORT, LOOSE) | {"title": None}


def _curves(means: pl.DataFrame, single: pl.DataFrame, x: Spec, title: str) -> list[Spec]:
    y = quantity("prediction", title, SHORT, {"zero": False})
    thin: Spec = {
        "data": {"values": single.select("number", "line", "prediction").to_dicts()},
        "mark": {"type": "line", "color": QUIET, "strokeWidth": 1, "opacity": FAINT},
        "encoding": {"x": x, "y": y, "detail": {"field": "line"}},
    }
    thick: Spec = {
        "data": {"values": means.select("number", "output", "mean").to_dicts()},
        "mark": {"type": "line", "strokeWidth": 2.5, "point": {"size": 25}},
        "encoding": {"x": x, "y": y | {"field": "mean"}, "color": _color(means)},
    }
    return [thin, thick] if len(single) else [thick]


def _dots(means: pl.DataFrame, single: pl.DataFrame, title: str) -> list[Spec]:
    y = {"field": "value", "type": "nominal", "sort": None, "title": None}
    x = quantity("prediction", title, SHORT, {"zero": False})
    faint: Spec = {
        "data": {"values": single.select("value", "prediction").to_dicts()},
        "mark": {"type": "point", "color": QUIET, "size": 14, "opacity": FAINT},
        "encoding": {"y": y, "x": x},
    }
    thick: Spec = {
        "data": {"values": means.select("value", "output", "mean").to_dicts()},
        "mark": {"type": "point", "size": 70},
        "encoding": {"y": y, "x": x | {"field": "mean"}, "color": _color(means)},
    }
    # the first layer says in which order the values stand
    return [thick, faint, thick] if len(single) else [thick]


def _color(means: pl.DataFrame) -> Spec:
    outputs = means["output"].unique(maintain_order=True).to_list()
    legend = {"orient": "top", "title": None, "labelColor": INK, "columns": 2, "labelLimit": 130}
    return {
        "field": "output",
        "type": "nominal",
        "scale": {"domain": outputs, "range": [MODEL, OTHER, QUIET, INK, MUTED][: len(outputs)]},
        "legend": legend if len(outputs) > 1 else None,
    }


def _ticks(rug: pl.DataFrame, x: Spec) -> Spec:
    """Marks at the foot of the drawing."""
    return {
        "data": {"values": rug.select("number").to_dicts()},
        "mark": {"type": "tick", "color": MUTED, "y": "height", "yOffset": -5, "height": 9},
        "encoding": {"x": x},
    }


def residuals_by(table: pl.DataFrame, column: str, title: str) -> str:
    """Mean residual of each group with its interval; on the dashed line there is none.

    Args:
        table: ``group``, ``residual``, ``lower``, ``upper``.
        column: whose groups they are.
        title: of the axis.
    """
    y = {"field": "group", "type": "nominal", "sort": None, "title": None}
    x = quantity("lower", title, SHORT)
    zero: Spec = {
        "data": {"values": [{"lower": 0}]},
        "mark": {"type": "rule", "color": OTHER, "strokeDash": [4, 4], "strokeWidth": 1.5},
        "encoding": {"x": {"field": "lower", **QUANTITY}},
    }
    span: Spec = {
        "mark": {"type": "rule", "color": MODEL, "strokeWidth": 2.5, "opacity": 0.5},
        "encoding": {"y": y, "x": x, "x2": {"field": "upper"}},
    }
    points: Spec = {
        "mark": {"type": "point", "size": 55},
        "encoding": {"y": y, "x": x | {"field": "residual"}},
    }
    size = {"height": {"step": 20}, "data": {"values": table.head(MOST_GROUPS).to_dicts()}}
    return draw(f"Mean residual by {column}", [span, zero, points], size)
