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
    about = evidence.selection
    if not about:
        return Html("")
    chart = Html(charts.selection(about["curve"], len(about["kept"])))
    caption = tag("figcaption", "Validation loss by number of columns")
    left = tag("div", tag("p", _note(about), class_="quiet"), _dropped_columns(about))
    return tag("div", left, tag("figure", caption, chart, class_="card"), class_="noted")


def _note(about: Mapping[str, Any]) -> str:
    total, num_kept = len(about["relevance"]), len(about["kept"])
    counts = [f"{point['columns']:,}" for point in reversed(about["curve"])]
    return (
        "A column is significant if shuffling it increases the validation loss: its 95 % interval,"
        " corrected for all columns, is above zero. That holds for"
        f" {about['above_noise']:,} of {total:,} columns. Networks were trained on the"
        f" {_join(counts)} most important columns. Among models with every significant column,"
        " the smallest whose loss is within the 95 % interval of the best (the line in the chart)"
        f" was kept ({num_kept:,} columns). The test set was not used."
    )


def _join(texts: Sequence[str]) -> str:
    return " and ".join(", ".join(part) for part in (texts[:-1], texts[-1:]) if part)


def _dropped_columns(about: Mapping[str, Any]) -> Html:
    names = set(about["dropped"])
    dropped = [column for column in about["relevance"] if column["column"] in names]
    if not dropped:
        return tag("p", "No column was dropped.")
    keys = ("value", "lower", "upper")
    texts = iter(alike([column[key] for column in dropped for key in keys]))
    rows: list[list[Content]] = [
        [column["column"], next(texts), f"{next(texts)} to {next(texts)}"] for column in dropped
    ]
    head, rest = ["dropped column", "increase in loss", "95 % interval"], rows[SHOWN:]
    more = table(head, rest, "numbers") if rest else Html("")
    folded = tag("details", tag("summary", f"{len(rest):,} more"), more) if rest else more
    return join(table(head, rows[:SHOWN], "numbers"), folded)
