"""The scores of the model, compared with the baselines and with the previous run."""

from collections.abc import Mapping
from typing import Any

from onward.report import charts
from onward.report.formatting import (
    ARROWS,
    BASELINES,
    WHO,
    format_difference,
    format_metric,
    interval,
    within,
)
from onward.report.markup import Content, Html, figure, join, table, tag
from onward.report.report_data import Evidence
from onward.tasks import Metric

TILES = 4


def overview(evidence: Evidence) -> Html:
    """The main metric of the model and the baselines."""
    name, metric = evidence.task.main, evidence.task.main_metric
    scores = [{"name": title, **evidence.metrics[who][name]} for who, title in WHO.items()]
    known = [row for row in scores if None not in row.values()]
    title = f"{metric.title} {ARROWS[metric.better]} with 95 % interval"
    return figure(title, charts.intervals(known, metric.title))


def tiles(evidence: Evidence) -> Html:
    """The first metrics, and the latency."""
    parts = []
    for name, metric in list(evidence.of_task.items())[:TILES]:
        estimate = evidence.metrics["model"][name]
        value = format_metric(metric, estimate["value"])
        parts.append(_tile(metric.title, value, interval(metric, estimate)))
    fast = evidence.latency
    bulk = f"{fast['rows_per_s']:,} rows/s in batches"
    parts.append(_tile("Latency of one row", f"{fast['single_row_p50_us']:,.0f} µs", bulk))
    return tag("div", parts, class_="tiles")


def result(evidence: Evidence) -> Html:
    """Every metric beside those of the baselines, paired differences, and the previous run."""
    comparison = table(
        ["", *WHO.values(), "95 % interval"],
        [_comparison(evidence, name) for name in evidence.of_task],
        "numbers",
    )
    note = (
        f"Measured on the test set of {evidence.metrics['rows']:,} rows."
        " ↑ higher is better, ↓ lower is better. The interval of the model is from bootstrap"
        " samples. The baselines are fitted on the same rows and columns, derived columns included:"
        " scikit-learn's HistGradientBoosting with default settings, its logistic or ridge"
        " regression, and a constant that uses no column."
    )
    if evidence.refit:
        note += (
            " The scores are those of evaluated.onnx, the network before its second training;"
            " model.onnx has learned from held-out rows and cannot be scored on them."
        )
    if unread := evidence.metrics.get("unread"):
        note += f" The baselines cannot read {', '.join(unread)}."
    if "weights" in evidence.data:
        note += f" Rows are weighted by {evidence.data['weights']['name']}."
    return join(
        tag("p", note, class_="quiet"),
        tag("div", tag("h3", "Metrics"), comparison, class_="card"),
        _differences(evidence),
        _changes(evidence),
        _cold_start(evidence),
    )


def _differences(evidence: Evidence) -> Html:
    name, metric = evidence.task.main, evidence.task.main_metric
    differences = evidence.metrics["differences"]
    learned = [who for who in BASELINES if who != "constant"]  # too far off to draw
    rows = [{"name": f"minus {WHO[who]}", **differences[who][name]} for who in learned]
    known = [row for row in rows if None not in row.values()]
    lines: list[list[Content]] = [
        [
            f"{of.title} {ARROWS[of.better]}",
            *(_difference(of, differences[who][key]) for who in BASELINES),
        ]
        for key, of in evidence.of_task.items()
    ]
    note = (
        "This model minus each baseline. All models are compared on the same bootstrap samples, so"
        " row difficulty cancels out. If the interval excludes 0 the difference is significant,"
        " even where the two separate intervals overlap."
    )
    head = ["", *(f"minus {WHO[who]}" for who in BASELINES)]
    left = tag("div", tag("h3", "Paired differences"), table(head, lines, "numbers"), class_="card")
    drawing = tag("div", Html(charts.differences(known, metric.title)), class_="chart")
    title = tag("figcaption", f"Difference of {within(metric.title)} {ARROWS[metric.better]}")
    drawn = tag("figure", title, drawing, tag("p", note, class_="quiet"), class_="card")
    return tag("div", left, drawn, class_="uneven")


def _difference(metric: Metric, difference: Mapping[str, float | None]) -> Html:
    below = tag("div", _ends(metric, difference), class_="quiet")
    return join(format_difference(metric, difference["value"]), below)


def _ends(metric: Metric, difference: Mapping[str, float | None]) -> str:
    if difference["lower"] is None:
        return "no interval"
    lower, upper = (format_difference(metric, difference[end]) for end in ("lower", "upper"))
    return f"{lower} to {upper}"


def _changes(evidence: Evidence) -> Html:
    before = evidence.changes.get("before")
    if before is None:
        return Html("")
    rows = "the same test rows" if before["is_paired"] else "other test rows"
    metrics = {n: change for n, change in before["metrics"].items() if n in evidence.of_task}
    note = (
        f"The previous evaluation was measured on {rows}. A change is significant if its 95 %"
        " interval excludes 0."
    )
    head = ["", "before", "now", "change", "95 % interval", "verdict"]
    lines = [_change(evidence, name, change) for name, change in metrics.items()]
    title = tag("h3", "Change since the previous run")
    text = tag("p", note, class_="quiet")
    return tag("div", title, text, table(head, lines, "numbers"), class_="card")


def _cold_start(evidence: Evidence) -> Html:
    about = evidence.metrics.get("cold_start")
    if about is None:
        return Html("")
    metrics = {n: change for n, change in about["metrics"].items() if n in evidence.of_task}
    note = (
        f"This model started from the weights of {evidence.data['start_from']['folder']} and took"
        f" {about['steps']['warm']:,} optimizer steps. The same network from new weights, with its"
        f" own preprocessing, took {about['steps']['cold']:,}. Both are measured on the same test"
        " rows. A difference is significant if its 95 % interval excludes 0."
    )
    head = ["", "cold start", "this model", "difference", "95 % interval", "verdict"]
    lines = [_change(evidence, name, change) for name, change in metrics.items()]
    title, text = tag("h3", "Cold start"), tag("p", note, class_="quiet")
    return tag("div", title, text, table(head, lines, "numbers"), class_="card")


def _change(evidence: Evidence, name: str, change: dict[str, Any]) -> list[Content]:
    metric, difference = evidence.of_task[name], change["difference"]
    values = (format_metric(metric, change["before"]), format_metric(metric, change["now"]))
    first = f"{metric.title} {ARROWS[metric.better]}"
    return [
        first,
        *values,
        format_difference(metric, difference["value"]),
        _ends(metric, difference),
        tag("b", change["verdict"]),
    ]


def _tile(title: str, value: str, below: str) -> Html:
    parts = {"title": title, "value": value, "quiet": below}
    return tag(
        "div", (tag("div", text, class_=name) for name, text in parts.items()), class_="tile"
    )


def _comparison(evidence: Evidence, name: str) -> list[Content]:
    metric = evidence.of_task[name]
    values = [format_metric(metric, evidence.metrics[who][name]["value"]) for who in WHO]
    estimate = interval(metric, evidence.metrics["model"][name])
    return [f"{metric.title} {ARROWS[metric.better]}", tag("b", values[0]), *values[1:], estimate]
