"""Rows, target and columns."""

from collections.abc import Mapping
from typing import Any

from onward.report import charts
from onward.report.formatting import (
    chosen_rows,
    more_columns,
    percent,
    usual,
)
from onward.report.markup import Content, Html, join, table, tag
from onward.report.report_data import Evidence

SHOWN = 40  # rows of a table; the rest is folded


def data(evidence: Evidence) -> Html:
    """Rows, target and columns."""
    counts = evidence.data["rows"]
    total = sum(counts.values())
    splits = [[split, f"{n:,}", percent(n / total)] for split, n in counts.items()]
    columns = [_column(column) for column in evidence.data["columns"]]
    head = ["column", "type", "missing", "distinct", "range or most frequent", "training rows"]
    about_rows = (tag("p", text, class_="quiet") for text in chosen_rows(evidence.data))
    parts = [
        tag(
            "div",
            tag("h3", "Rows"),
            table(["split", "rows", "share"], splits, "numbers"),
            *about_rows,
            class_="card",
        ),
        tag("div", tag("h3", "Target"), _target(evidence.data["target"]), class_="card"),
    ]
    rest = columns[SHOWN:]
    more = (
        tag("details", tag("summary", more_columns(len(rest))), table(head, rest))
        if rest
        else Html("")
    )
    rows = table(head, columns[:SHOWN])
    inside = (tag("h3", "Columns"), rows, more, _derived(evidence), _left_out(evidence))
    return join(tag("div", parts, class_="grid"), tag("div", inside, class_="card"))


def _column(column: Mapping[str, Any]) -> list[Content]:
    about = [column["name"], column["type"], percent(column["missing"]), f"{column['distinct']:,}"]
    if "histogram" in column:
        counts = column["histogram"]["counts"]
    else:
        counts = [count for _, count in column.get("top", [])]
    drawn = Html(charts.sparkline(counts, f"distribution of {column['name']}"))
    return [*about, usual(column), drawn]


def _target(target: Mapping[str, Any]) -> Html:
    if "classes" not in target:
        drawn = charts.histogram(target["histogram"], target["name"])
        return Html(drawn)
    total = sum(sum(splits.values()) for splits in target["classes"].values())
    rows = [
        [label, f"{sum(splits.values()):,}", percent(sum(splits.values()) / total)]
        for label, splits in target["classes"].items()
    ]
    return tag("div", table(["class", "rows", "share"], rows, "numbers"), class_="tall")


def _derived(evidence: Evidence) -> Html:
    """Derived columns."""
    rows = [
        [name, column["made"], *about]
        for column in evidence.data.get("derived", [])
        for name, _, *about in [_column(column)]
    ]
    if not rows:
        return Html("")
    head = ["column", "formula", "missing", "distinct", "range or most frequent", "training rows"]
    return join(tag("h3", "Derived columns"), table(head, rows))


def _left_out(evidence: Evidence) -> Html:
    left_out = evidence.data.get("left_out", [])
    rows = [[column["name"], column["reason"]] for column in left_out]
    if not rows:
        return Html("")
    return join(tag("h3", "Columns not used"), table(["column", "reason"], rows))
