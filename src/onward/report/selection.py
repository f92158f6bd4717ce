"""Column selection: dropped columns, and the loss by number of columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from onward.report import charts
from onward.report.formatting import alike
from onward.report.markup import Content, Html, join, table, tag
from onward.report.report_data import Evidence

SHOWN = 12  # dropped columns; the rest is folded


def selection(evidence: Evidence) -> Html:
    """The curve, and each dropped column with its interval; nothing where none was asked for."""
    found = evidence.selection
    if not found:
        return Html("")
    chart = Html(charts.selection(found["curve"], len(found["kept"])))
    caption = tag("figcaption", "Validation loss by number of columns")
    left = tag("div", tag("p", _note(found), class_="quiet"), _dropped(found))
    return tag("div", left, tag("figure", caption, chart, class_="card"), class_="noted")


def _note(found: Mapping[str, Any]) -> str:
    total, kept = len(found["relevance"]), len(found["kept"])
    counts = [f"{point['columns']:,}" for point in reversed(found["curve"])]
    return (
        "A column is significant if shuffling it increases the validation loss: its 95 % interval,"
        " corrected for all columns, is above zero. That holds for"
        f" {found['above_noise']:,} of {total:,} columns. Networks were trained on the"
        f" {_listed(counts)} most important columns. Among models with every significant column,"
        " the smallest whose loss is within the 95 % interval of the best (the line in the chart)"
        f" was kept ({kept:,} columns). The test set was not used."
    )


def _listed(texts: Sequence[str]) -> str:
    return " and ".join(", ".join(part) for part in (texts[:-1], texts[-1:]) if part)


def _dropped(found: Mapping[str, Any]) -> Html:
    names = set(found["dropped"])
    dropped = [each for each in found["relevance"] if each["column"] in names]
    if not dropped:
        return tag("p", "No column was dropped.")
    keys = ("value", "lower", "upper")
    texts = iter(alike([each[key] for each in dropped for key in keys]))
    rows: list[list[Content]] = [
        [each["column"], next(texts), f"{next(texts)} to {next(texts)}"] for each in dropped
    ]
    head, rest = ["dropped column", "increase in loss", "95 % interval"], rows[SHOWN:]
    more = table(head, rest, "numbers") if rest else Html("")
    folded = tag("details", tag("summary", f"{len(rest):,} more"), more) if rest else more
    return join(table(head, rows[:SHOWN], "numbers"), folded)
