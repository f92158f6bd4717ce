"""Charts of correct and wrong predictions."""

import polars as pl

from onward.report import charts, decision
from onward.report.formatting import score
from onward.report.markup import Html, figure, join, table, tag
from onward.report.report_data import Evidence
from onward.tasks import Chart


def errors(evidence: Evidence) -> Html:
    """Charts of right and wrong predictions."""
    cards = evidence.task.cards(evidence.plots, evidence.scores)
    parts = [_card(card.title, card.content) for card in cards]
    charted = tag("div", parts, class_="grid")
    if "decision" in evidence.notes:
        return join(tag("div", decision.card(evidence), class_="grid"), charted)
    return charted


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
