"""Charts of binary classification by threshold."""

import polars as pl

from onward.tasks.charts.vega_lite import (
    INK,
    MODEL,
    OTHER,
    PERCENT,
    QUIET,
    SHORT,
    Chart,
    Spec,
    quantity,
    reference,
)

LINES = {
    "precision": ("precision", MODEL, [1, 0]),
    "recall": ("recall", OTHER, [1, 0]),
    "f1": ("F1", INK, [6, 3]),
    "selected": ("rows selected", QUIET, [2, 3]),
}
"""Title, color and dashes by column; dashes distinguish lines without color."""


def threshold(table: pl.DataFrame) -> Chart:
    """Precision, recall, F1 and the share of rows selected, by the threshold."""
    names = {column: title for column, (title, _, _) in LINES.items()}
    rows = table.select("threshold", *names).rename(names).unpivot(index="threshold")
    titles = list(names.values())
    scales = {
        "color": {"domain": titles, "range": [color for _, color, _ in LINES.values()]},
        "strokeDash": {"domain": titles, "range": [dashes for _, _, dashes in LINES.values()]},
    }
    legend: Spec = {"orient": "top", "title": None, "labelColor": INK, "symbolSize": 250}
    legend |= {"columns": 4, "columnPadding": 12}
    lines = {
        "data": {"values": rows.drop_nulls().to_dicts()},
        "mark": {"type": "line", "interpolate": "linear"},
        "encoding": {
            "x": quantity("threshold", "threshold on the probability", scale={"domain": [0, 1]}),
            "y": quantity("value", "share", PERCENT, {"domain": [0, 1]}),
            **{
                channel: {
                    "field": "variable",
                    "type": "nominal",
                    "scale": scale,
                    "legend": legend,
                }
                for channel, scale in scales.items()
            },
        },
    }
    return Chart("Precision, recall, F1 and rows selected by threshold", [lines])


def gain(table: pl.DataFrame) -> Chart:
    """Recall among the highest-ranked rows; the diagonal is chance."""
    names = {"share": "highest-ranked rows", "gain": "recall"}
    return _by_share(table, names, reference([(0, 0), (1, 1)], ("share", "gain")), "Gain")


def lift(table: pl.DataFrame) -> Chart:
    """Frequency among the highest-ranked rows, relative to all rows."""
    names = {"share": "surest rows", "lift": "times as often as by chance"}
    line = reference([(0, 1), (1, 1)], ("share", "lift"))
    return _by_share(table, names, line, "Lift")


def _by_share(table: pl.DataFrame, names: dict[str, str], line: Spec, title: str) -> Chart:
    (x, x_title), (y, y_title) = names.items()
    is_share = y == "gain"
    scale = {"domain": [0, 1]} if is_share else {"zero": True}
    curve = {
        "data": {"values": table.select(x, y).to_dicts()},
        "mark": {"type": "line", "interpolate": "linear"},
        "encoding": {
            "x": quantity(x, x_title, PERCENT, {"domain": [0, 1]}),
            "y": quantity(y, y_title, PERCENT if is_share else SHORT, scale),
        },
    }
    return Chart(f"{title} by the share of rows that are surest", [line, curve])
