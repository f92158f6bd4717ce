"""Charts of predictions and their errors."""

import polars as pl

from onward.tasks.charts.vega_lite import (
    HEIGHT,
    INK,
    MODEL,
    OTHER,
    PAPER,
    PERCENT,
    QUANTITY,
    SHORT,
    Chart,
    Spec,
    curve_layers,
    ends_of,
    quantity,
    reference,
    scale_for,
)

MOST_CELLS_WITH_TEXT = 10  # classes of a confusion matrix whose counts still fit in


def roc(table: pl.DataFrame) -> Chart:
    """The curve and the diagonal of chance."""
    names = {
        "false_positive_rate": "false positive rate",
        "true_positive_rate": "true positive rate",
    }
    area = curve_layers(table, names, [(0, 0), (1, 1)])
    return Chart("ROC curve: true positive rate by false positive rate", area)


def pr(table: pl.DataFrame, share: float) -> Chart:
    """The curve, and the share of the positive class, which random guessing reaches."""
    names = {"recall": "recall", "precision": "precision"}
    return Chart("Precision by recall", curve_layers(table, names, [(0, share), (1, share)]))


def calibration(table: pl.DataFrame) -> Chart:
    """Predicted probability and observed frequency; the diagonal is perfect calibration.

    Through each point goes the 95 % interval of what happened.
    """
    names = {"probability": "predicted probability", "frequency": "observed frequency"}
    line, curve = curve_layers(table, names, [(0, 0), (1, 1)])
    size = {
        "field": "rows",
        "type": "quantitative",
        "legend": None,
        "scale": {"range": [25, 250]},
    }
    points = {**curve, "mark": "point", "encoding": {**curve["encoding"], "size": size}}
    ends = {"y": curve["encoding"]["y"] | {"field": "lower"}, "y2": {"field": "upper"}}
    spans = {
        **curve,
        "mark": {"type": "rule", "color": MODEL, "strokeWidth": 1.5, "opacity": 0.55},
        "encoding": {"x": curve["encoding"]["x"], **ends},
    }
    return Chart("Observed frequency by predicted probability", [line, spans, curve, points])


def confusion(table: pl.DataFrame) -> Chart:
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
    return Chart("Confusion matrix: predicted by actual class", layers, spec | {"height": side})


def predicted_values(table: pl.DataFrame, target: str) -> Chart:
    """Actual by predicted values; the diagonal is perfect."""
    both = pl.concat([table["actual"], table["predicted"]])
    scale = scale_for(both) | {"zero": False}
    ends = ends_of(both)
    line = reference([(ends[0], ends[0]), (ends[1], ends[1])], ("predicted", "actual"))
    points = {
        "data": {"values": table.to_dicts()},
        "mark": {"type": "point", "size": 18, "opacity": 0.45},
        "encoding": {
            "x": quantity("predicted", f"predicted {target}", SHORT, scale),
            "y": quantity("actual", f"actual {target}", SHORT, scale),
        },
    }
    return Chart("Actual by predicted value", [points, line])


def residuals(table: pl.DataFrame, target: str) -> Chart:
    """Error by predicted value; a ratio if the axes are logarithmic."""
    ends = ends_of(table["predicted"])
    scale = scale_for(pl.concat([table["actual"], table["predicted"]]))
    none, title, y_scale = 0, "actual minus predicted", {}
    if scale["type"] == "log":
        table = table.with_columns((pl.col("actual") / pl.col("predicted")).alias("residual"))
        none, title, y_scale = 1, "actual / predicted", scale
    line = reference([(ends[0], none), (ends[1], none)], ("predicted", "residual"))
    points = {
        "data": {"values": table.to_dicts()},
        "mark": {"type": "point", "size": 18, "opacity": 0.45},
        "encoding": {
            "x": quantity("predicted", f"predicted {target}", SHORT, scale | {"zero": False}),
            "y": quantity("residual", title, SHORT, y_scale),
        },
    }
    return Chart("Error by predicted value", [points, line])


def coverage(table: pl.DataFrame, share: float, target: str) -> Chart:
    """Interval coverage by band of the prediction; the rule is the overall coverage."""
    bands = table.with_row_index("band", 1)
    bars = {
        "data": {"values": bands.to_dicts()},
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "x": {
                "field": "band",
                "type": "ordinal",
                "axis": {"labelAngle": 0},
                "title": f"predicted {target}: tenths, low to high",
            },
            "y": quantity("coverage", "inside interval", PERCENT, {"domain": [0, 1]}),
        },
    }
    rule = {"mark": {"type": "rule", "color": OTHER, "strokeWidth": 2}, "encoding": {}}
    rule |= {"data": {"values": [{"y": share}]}, "encoding": {"y": {"field": "y", **QUANTITY}}}
    return Chart("Share of rows inside their interval by predicted value", [bars, rule])
