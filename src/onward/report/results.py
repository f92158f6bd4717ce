"""How good the model is: beside the yardsticks, and beside the run before."""

from collections.abc import Mapping
from typing import Any

from onward.report import charts
from onward.report.formatting import ARROWS, WHO, YARDSTICKS, interval, measured, signed, within
from onward.report.markup import Content, Html, figure, join, table, tag
from onward.report.report_data import Evidence
from onward.tasks import Metric

TILES = 4


def overview(evidence: Evidence) -> Html:
    """The score of the model and of the yardsticks, at a glance."""
    name, metric = evidence.task.main, evidence.task.main_metric
    found = [{"name": title, **evidence.metrics[who][name]} for who, title in WHO.items()]
    known = [row for row in found if None not in row.values()]
    title = f"{metric.title} {ARROWS[metric.better]} and its 95 % interval"
    return figure(title, charts.intervals(known, metric.title))


def tiles(evidence: Evidence) -> Html:
    """The first metrics, and the speed."""
    shown = []
    for name, metric in list(evidence.of_task.items())[:TILES]:
        estimate = evidence.metrics["model"][name]
        value = measured(metric, estimate["value"])
        shown.append(_tile(metric.title, value, interval(metric, estimate)))
    fast = evidence.latency
    bulk = f"{fast['rows_per_s']:,} rows/s in bulk"
    shown.append(_tile("One row takes", f"{fast['single_row_p50_us']:,.0f} µs", bulk))
    return tag("div", shown, class_="tiles")


def result(evidence: Evidence) -> Html:
    """Every metric beside the yardsticks, how far apart they are, and what changed."""
    comparison = table(
        ["", *WHO.values(), "95 % interval"],
        [_compared(evidence, name) for name in evidence.of_task],
        "numbers",
    )
    note = (
        f"Measured on {evidence.metrics['rows']:,} held-out rows that nothing was learned from."
        " ↑ higher is better, ↓ lower is better. The interval is that of this model, from"
        " bootstrap resamples. The yardsticks learned from the same rows and columns, derived ones"
        " included: boosted trees are scikit-learn's HistGradientBoosting with default settings;"
        " the linear model is its logistic or ridge regression; the constant guess looks at no"
        " column."
    )
    if "weights" in evidence.data:
        note += f" Rows count as {evidence.data['weights']['name']} says."
    return join(
        tag("p", note, class_="quiet"),
        tag("div", tag("h3", "Metrics"), comparison, class_="card"),
        _differences(evidence),
        _changes(evidence),
    )


def _differences(evidence: Evidence) -> Html:
    name, metric = evidence.task.main, evidence.task.main_metric
    found = evidence.metrics["differences"]
    learned = [who for who in YARDSTICKS if who != "constant"]  # which is too far off to draw
    rows = [{"name": f"minus {WHO[who]}", **found[who][name]} for who in learned]
    known = [row for row in rows if None not in row.values()]
    lines: list[list[Content]] = [
        [
            f"{of.title} {ARROWS[of.better]}",
            *(_difference(of, found[who][key]) for who in YARDSTICKS),
        ]
        for key, of in evidence.of_task.items()
    ]
    note = (
        "This model minus each yardstick. All were measured on the same resampled rows, so that"
        " what is hard about a row cancels: an interval that leaves out 0 is a difference, though"
        " the intervals of the two may overlap."
    )
    head = ["", *(f"minus {WHO[who]}" for who in YARDSTICKS)]
    left = tag("div", tag("h3", "Paired differences"), table(head, lines, "numbers"), class_="card")
    drawing = tag("div", Html(charts.differences(known, metric.title)), class_="chart")
    title = tag("figcaption", f"Difference of {within(metric.title)} {ARROWS[metric.better]}")
    drawn = tag("figure", title, drawing, tag("p", note, class_="quiet"), class_="card")
    return tag("div", left, drawn, class_="uneven")


def _difference(metric: Metric, difference: Mapping[str, float | None]) -> Html:
    below = tag("div", _ends(metric, difference), class_="quiet")
    return join(signed(metric, difference["value"]), below)


def _ends(metric: Metric, difference: Mapping[str, float | None]) -> str:
    return f"{signed(metric, difference['lower'])} to {signed(metric, difference['upper'])}"


def _changes(evidence: Evidence) -> Html:
    before = evidence.changes.get("before")
    if before is None:
        return Html("")
    rows = "the same held-out rows" if before["is_paired"] else "other held-out rows"
    metrics = {n: change for n, change in before["metrics"].items() if n in evidence.of_task}
    note = (
        f"The evaluation that this one replaced was measured on {rows}. A change is worth a word if"
        " its 95 % interval leaves out 0."
    )
    head = ["", "before", "now", "change", "95 % interval", "verdict"]
    lines = [_change(evidence, name, change) for name, change in metrics.items()]
    title = tag("h3", "Since the run before")
    text = tag("p", note, class_="quiet")
    return tag("div", title, text, table(head, lines, "numbers"), class_="card")


def _change(evidence: Evidence, name: str, change: dict[str, Any]) -> list[Content]:
    metric, difference = evidence.of_task[name], change["difference"]
    values = (measured(metric, change["before"]), measured(metric, change["now"]))
    first = f"{metric.title} {ARROWS[metric.better]}"
    return [
        first,
        *values,
        signed(metric, difference["value"]),
        _ends(metric, difference),
        tag("b", change["verdict"]),
    ]


def _tile(title: str, value: str, below: str) -> Html:
    parts = {"title": title, "value": value, "quiet": below}
    return tag(
        "div", (tag("div", text, class_=name) for name, text in parts.items()), class_="tile"
    )


def _compared(evidence: Evidence, name: str) -> list[Content]:
    metric = evidence.of_task[name]
    values = [measured(metric, evidence.metrics[who][name]["value"]) for who in WHO]
    estimate = interval(metric, evidence.metrics["model"][name])
    return [f"{metric.title} {ARROWS[metric.better]}", tag("b", values[0]), *values[1:], estimate]
