"""Charts as SVG, for a page that sets the colors.

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
MOST_BARS = 20
MOST_CELLS_WITH_TEXT = 10  # classes of a confusion matrix whose counts still fit in
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
    "padding": 4,
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
    },
    "line": {"color": MODEL, "strokeWidth": 2},
    "point": {"color": MODEL, "filled": True, "size": 50, "opacity": 1},
    "bar": {"color": MODEL},
    "rule": {"color": QUIET},
    "text": {"color": INK, "fontSize": 11},
}


def learning_curves(history: Sequence[Mapping[str, float]]) -> str:
    """Training and validation loss of each epoch; a rule where validation was best."""
    parts = {"training": "train/loss", "validation": "validation/loss"}
    rows = [
        {"epoch": epoch["epoch"], "loss": epoch[key], "rows": part}
        for epoch in history
        for part, key in parts.items()
    ]
    best = min(history, key=lambda epoch: epoch["validation/loss"])["epoch"]
    x = _axis("epoch", "epoch", scale={"nice": False, "zero": False})
    color = {"domain": list(parts), "range": [QUIET, MODEL]}
    legend = {"orient": "top", "title": None, "labelColor": INK, "symbolStrokeWidth": 3}
    lines = {
        "data": {"values": rows},
        "mark": {"type": "line", "point": len(history) == 1},
        "encoding": {
            "x": x,
            "y": _axis("loss", "loss", scale={"zero": False}),
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
    return _svg("Training and validation loss by epoch", [rule, lines])


def roc(table: pl.DataFrame) -> str:
    """The curve and the diagonal of chance."""
    names = {
        "false_positive_rate": "false positive rate",
        "true_positive_rate": "true positive rate",
    }
    area = _curve(table, names, [(0, 0), (1, 1)])
    return _svg("ROC curve: true positive rate by false positive rate", area)


def pr(table: pl.DataFrame, share: float) -> str:
    """The curve, and the share of the positive class, which guessing would reach."""
    names = {"recall": "recall", "precision": "precision"}
    return _svg("Precision by recall", _curve(table, names, [(0, share), (1, share)]))


def calibration(table: pl.DataFrame) -> str:
    """What was said and what happened, bigger points for more rows; the diagonal is right."""
    names = {"probability": "predicted probability", "frequency": "observed frequency"}
    layers = _curve(table, names, [(0, 0), (1, 1)])
    size = {
        "field": "rows",
        "type": "quantitative",
        "legend": None,
        "scale": {"range": [25, 250]},
    }
    points = {**layers[-1], "mark": "point"}
    points["encoding"] = {**points["encoding"], "size": size}
    return _svg("Observed frequency by predicted probability", [*layers, points])


def confusion(table: pl.DataFrame) -> str:
    """Shares of each true class by predicted class, with the counts where they fit."""
    order = table["predicted"].unique(maintain_order=True).to_list()
    total = pl.col("rows").sum().over("actual").clip(1)
    shares = table.with_columns((pl.col("rows") / total).alias("share"))
    side = HEIGHT if len(order) <= MOST_CELLS_WITH_TEXT else HEIGHT + 60
    axis: Spec = {"labelLimit": 90, "grid": False, "ticks": False, "domain": False}
    encoding = {
        "x": {
            "field": "predicted",
            "type": "nominal",
            "sort": order,
            "title": "predicted",
            "axis": axis | {"labelAngle": 0 if len(order) < 5 else -60},
        },
        "y": {
            "field": "actual",
            "type": "nominal",
            "sort": order,
            "title": "actual",
            "axis": axis,
        },
    }
    opacity = {"field": "share", "type": "quantitative", "legend": None}
    cells: Spec = {
        "mark": {"type": "rect", "color": MODEL, "stroke": PAPER, "strokeWidth": 1},
        "encoding": {"fillOpacity": opacity | {"scale": {"domain": [0, 1], "range": [0.04, 1]}}},
    }
    counts: Spec = {
        "mark": {"type": "text"},
        "encoding": {
            "text": {"field": "rows", "format": ","},
            "color": {"condition": {"test": "datum.share > 0.5", "value": PAPER}, "value": INK},
        },
    }
    layers = [cells, counts] if len(order) <= MOST_CELLS_WITH_TEXT else [cells]
    spec = {"data": {"values": shares.to_dicts()}, "encoding": encoding}
    return _svg("Confusion matrix: predicted by actual class", layers, spec | {"height": side})


def predicted(table: pl.DataFrame, target: str) -> str:
    """Truth by prediction; on the diagonal they agree."""
    both = pl.concat([table["actual"], table["predicted"]])
    scale = _scale(both) | {"zero": False}
    ends = _ends(both)
    line = _reference([(ends[0], ends[0]), (ends[1], ends[1])], ("predicted", "actual"))
    points = {
        "data": {"values": table.to_dicts()},
        "mark": {"type": "point", "size": 18, "opacity": 0.45},
        "encoding": {
            "x": _axis("predicted", f"predicted {target}", SHORT, scale),
            "y": _axis("actual", f"actual {target}", SHORT, scale),
        },
    }
    return _svg("Actual by predicted value", [points, line])


def residuals(table: pl.DataFrame, target: str) -> str:
    """Error by prediction; on the line there is none. A ratio where axes are logarithmic."""
    ends = _ends(table["predicted"])
    scale = _scale(pl.concat([table["actual"], table["predicted"]]))
    none, title, y_scale = 0, "actual minus predicted", {}
    if scale["type"] == "log":
        table = table.with_columns((pl.col("actual") / pl.col("predicted")).alias("residual"))
        none, title, y_scale = 1, "actual / predicted", scale
    line = _reference([(ends[0], none), (ends[1], none)], ("predicted", "residual"))
    points = {
        "data": {"values": table.to_dicts()},
        "mark": {"type": "point", "size": 18, "opacity": 0.45},
        "encoding": {
            "x": _axis("predicted", f"predicted {target}", SHORT, scale | {"zero": False}),
            "y": _axis("residual", title, SHORT, y_scale),
        },
    }
    return _svg("Error by predicted value", [points, line])


def coverage(table: pl.DataFrame, share: float, target: str) -> str:
    """Share of rows inside their interval, from low to high predictions; a rule for all."""
    places = table.with_row_index("band", 1)
    bars = {
        "data": {"values": places.to_dicts()},
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "x": {
                "field": "band",
                "type": "ordinal",
                "axis": {"labelAngle": 0},
                "title": f"predicted {target}: tenths, low to high",
            },
            "y": _axis("coverage", "inside interval", PERCENT, {"domain": [0, 1]}),
        },
    }
    rule = {"mark": {"type": "rule", "color": OTHER, "strokeWidth": 2}, "encoding": {}}
    rule |= {"data": {"values": [{"y": share}]}, "encoding": {"y": {"field": "y", **QUANTITY}}}
    return _svg("Share of rows inside their interval by predicted value", [bars, rule])


def importance(table: pl.DataFrame, metric: str) -> str:
    """The columns whose loss costs most, with one standard deviation to each side."""
    top = table.head(MOST_BARS).with_columns(
        (pl.col("drop") - pl.col("std")).alias("low"),
        (pl.col("drop") + pl.col("std")).alias("high"),
    )
    y = {"field": "column", "type": "nominal", "sort": None, "title": None}
    bars = {
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {"y": y, "x": _axis("drop", f"lost {metric}")},
    }
    spread = {
        "mark": {"type": "rule", "color": INK, "strokeWidth": 1.5},
        "encoding": {"y": y, "x": _axis("low", f"lost {metric}"), "x2": {"field": "high"}},
    }
    size = {"height": {"step": 20}, "data": {"values": top.to_dicts()}}
    return _svg("Columns by importance", [bars, spread], size)


def intervals(rows: Sequence[Mapping[str, Any]], metric: str) -> str:
    """Model and yardsticks on one axis: value and 95 % interval of each.

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
    x = _axis("lower", metric, scale={"zero": False})
    span = {
        "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.5},
        "encoding": {"y": y, "color": color, "x": x, "x2": {"field": "upper"}},
    }
    points = {
        "mark": {"type": "point", "size": 90},
        "encoding": {"y": y, "color": color, "x": x | {"field": "value"}},
    }
    size = {"height": {"step": 34}, "data": {"values": list(rows)}}
    return _svg(f"{metric} of the model and the yardsticks", [span, points], size)


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
            "x": _axis("low", name, SHORT, {"zero": False, "nice": False}),
            "x2": {"field": "high"},
            "y": _axis("rows", "rows", SHORT),
            "y2": {"datum": 0},
        },
    }
    return _svg(f"Rows by {name}", [bars], {"height": 120})


def sparkline(counts: Sequence[float], label: str) -> str:
    """A histogram the size of a word."""
    highest, width, height = max(counts, default=0) or 1, 96, 22
    step = width / max(len(counts), 1)
    bars = "".join(
        f"M{place * step:.1f} {height}v{-height * count / highest:.1f}h{step * 0.86:.1f}V{height}z"
        for place, count in enumerate(counts)
    )
    return (
        f'<svg role="img" aria-label="{escape(label)}" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}"><path fill="{MODEL}" d="{bars}"/></svg>'
    )


def _axis(field: str, title: str, label: str = "", scale: Mapping[str, Any] = LINEAR) -> Spec:
    """A quantity; ``label`` says in Vega's language how its numbers are written."""
    axis = {"labelExpr": label} if label else {}
    return {"field": field, **QUANTITY, "title": title, "axis": axis, "scale": scale}


def _curve(
    table: pl.DataFrame, names: Mapping[str, str], line: Sequence[tuple[float, float]]
) -> list[Spec]:
    """A reference and a curve above it, both axes from 0 to 1."""
    (x, x_title), (y, y_title) = names.items()
    scale = {"domain": [0, 1]}
    curve = {
        "data": {"values": table.to_dicts()},
        "mark": {"type": "line", "interpolate": "linear"},
        "encoding": {
            "x": _axis(x, x_title, scale=scale),
            "y": _axis(y, y_title, scale=scale),
            "order": {"field": "place", **QUANTITY},
        },
    }
    ordered = table.with_row_index("place").to_dicts()
    return [_reference(line, (x, y)), {**curve, "data": {"values": ordered}}]


def _reference(points: Sequence[tuple[float, float]], names: tuple[str, str]) -> Spec:
    """A dashed line."""
    return {
        "data": {"values": [dict(zip(names, point, strict=True)) for point in points]},
        "mark": {"type": "line", "color": OTHER, "strokeDash": [4, 4], "strokeWidth": 1.5},
        "encoding": {
            axis: {"field": name, **QUANTITY} for axis, name in zip("xy", names, strict=True)
        },
    }


def _scale(values: pl.Series) -> Spec:
    low, high = _ends(values)
    return {"type": "log" if low > 0 and high / low > WIDE else "linear"}


def _ends(values: pl.Series) -> tuple[float, float]:
    low, high = values.min(), values.max()
    assert isinstance(low, float)
    assert isinstance(high, float)
    return low, high


def _svg(label: str, layers: Sequence[Spec], settings: Mapping[str, Any] | None = None) -> str:
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
