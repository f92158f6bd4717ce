"""Which columns were dropped, and what fewer of them cost."""

from collections.abc import Mapping, Sequence
from typing import Any

from onward.report import charts
from onward.report.formatting import alike
from onward.report.markup import Content, Html, join, table, tag
from onward.report.report_data import Evidence

SHOWN = 12  # dropped columns, before the rest is folded away


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
        "A column is above noise if the validation loss grows when its values are dealt out anew:"
        " the 95 % interval, for all columns together, stays above zero. That holds for"
        f" {found['above_noise']:,} of {total:,} columns. Networks were trained with the most"
        f" relevant {_listed(counts)} columns. Of those that have all that is above noise, the one"
        f" with the fewest columns, {kept:,}, was kept whose loss is that of the best within its"
        " 95 % interval, the line in the chart. Test rows were not looked at."
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
    head, rest = ["dropped column", "more loss", "interval"], rows[SHOWN:]
    more = table(head, rest, "numbers") if rest else Html("")
    folded = tag("details", tag("summary", f"{len(rest):,} more"), more) if rest else more
    return join(table(head, rows[:SHOWN], "numbers"), folded)
