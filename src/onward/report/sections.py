"""The parts of the report."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from onward.report import charts, decision, snippets, speed
from onward.report.formatting import (
    chosen_rows,
    more_columns,
    number,
    percent,
    score,
    size,
    usual,
    within,
)
from onward.report.markup import Content, Html, figure, join, table, tag
from onward.report.report_data import Evidence
from onward.tasks import Chart

SHOWN = 40  # rows of a table before the rest is folded away


def errors(evidence: Evidence) -> Html:
    """Charts of right and wrong predictions."""
    cards = evidence.task.cards(evidence.plots, evidence.scores)
    parts = [_card(card.title, card.content) for card in cards]
    charted = tag("div", parts, class_="grid")
    if "decision" in evidence.notes:
        return join(tag("div", decision.card(evidence), class_="grid"), charted)
    return charted


def importance(evidence: Evidence) -> Html:
    """Which columns matter."""
    title = within(evidence.task.main_metric.title)
    note = (
        f"How much {title} is lost when the values of one column are dealt out anew among the rows;"
        " the thin line is a 95 % interval, for the luck of the rows and of five repeats. A column"
        " whose information others repeat appears to matter less than it does."
    )
    chart = charts.importance(evidence.plots["importance"], title)
    return tag(
        "div", tag("p", note, class_="quiet"), figure(f"Lost {title}", chart), class_="noted"
    )


def training(evidence: Evidence) -> Html:
    """How the loss fell, and where the time went."""
    best = min(evidence.history, key=lambda epoch: epoch["validation/loss"])
    note = (
        f"{len(evidence.history):,} epochs; the weights are those after epoch"
        f" {int(best['epoch'])}, where the validation loss was lowest"
        f" ({number(best['validation/loss'])})."
    )
    chart = figure("Loss by epoch", charts.learning_curves(evidence.history))
    left = tag("p", note, class_="quiet")
    if evidence.speed:
        facts = table(["this run", ""], speed.facts(evidence.speed))
        left = join(left, tag("p", speed.waits(evidence.speed), class_="quiet"), facts)
    return tag("div", tag("div", left), chart, class_="noted")


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


def usage(evidence: Evidence) -> Html:
    """Three ways to predict."""
    ways = {
        "Python": snippets.predictor(evidence),
        "Only numpy and onnxruntime": snippets.onnxruntime(evidence),
        "Command line": snippets.shell(evidence),
    }
    note = (
        "model.onnx takes raw rows: cleaning, encoding and scaling are inside. A missing number is"
        " NaN, a missing text is empty; Predictor also takes None."
    )
    blocks = [
        tag("div", tag("h3", title), tag("pre", tag("code", code)), class_="card")
        for title, code in ways.items()
    ]
    return join(tag("p", note, class_="quiet"), tag("div", blocks[:2], class_="grid"), blocks[2])


def origin(evidence: Evidence) -> Html:
    """What it was made from, to make it again."""
    notes = evidence.notes
    rows = [
        ["model.onnx", f"{evidence.model_sha256} · {size(evidence.model_bytes)}"],
        *([f"hash of {name}", text] for name, text in notes.get("hashes", {}).items()),
        *([name, text] for name, text in notes.get("versions", {}).items()),
    ]
    facts = (join(tag("dt", name), tag("dd", text)) for name, text in rows)
    cards = (
        "Beside this page lie model_card.md and data_card.md: the same for people who review it."
    )
    return join(tag("p", cards, class_="quiet"), tag("div", tag("dl", facts), class_="card"))


def _card(title: str, content: Chart | pl.DataFrame) -> Html:
    if isinstance(content, Chart):
        return figure(title, charts.svg(content))
    rows = [[_cell(value) for value in row] for row in content.iter_rows()]
    drawn = tag("div", table(content.columns, rows, "numbers"), class_="tall")
    return tag("div", tag("h3", title), drawn, class_="card")


def _cell(value: str | float | None) -> str:
    if isinstance(value, str | int):
        return f"{value:,}" if isinstance(value, int) else value
    return score(value)


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
    """Columns that are made from others."""
    rows = [
        [name, column["made"], *about]
        for column in evidence.data.get("derived", [])
        for name, _, *about in [_column(column)]
    ]
    if not rows:
        return Html("")
    head = ["column", "is", "missing", "distinct", "range or most frequent", "training rows"]
    return join(tag("h3", "Derived"), table(head, rows))


def _left_out(evidence: Evidence) -> Html:
    left_out = evidence.data.get("left_out", [])
    rows = [[column["name"], column["reason"]] for column in left_out]
    if not rows:
        return Html("")
    return join(tag("h3", "Left out"), table(["column", "reason"], rows))
