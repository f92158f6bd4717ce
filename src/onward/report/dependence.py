"""Partial dependence of the predictions on single columns."""

import polars as pl

from onward.report import charts
from onward.report.markup import Html, join, tag
from onward.report.report_data import Evidence


def dependence(evidence: Evidence) -> Html:
    """A chart for each of the most important columns."""
    means, lines, rug = (evidence.plots[name] for name in ("dependence", "ice", "rug"))
    if not len(means):
        return Html("")
    names = means["column"].unique(maintain_order=True).to_list()
    drawn = []
    for name in names:
        of_mean, of_lines, of_rug = (
            table.filter(pl.col("column") == name) for table in (means, lines, rug)
        )
        svg = Html(charts.dependence(of_mean, of_lines, of_rug, evidence.task.prediction_axis))
        drawn.append(tag("figure", tag("figcaption", str(name)), svg, class_="card"))
    thin = " Each thin line or dot is one test row." if len(lines) else ""
    note = (
        "The mean prediction when this column is set to one value in all rows and the other columns"
        f" stay as they are (Friedman 2001).{thin} Ticks are deciles of the test rows. The charts"
        " show the model's behaviour, not causes; with correlated columns, some of these rows are"
        " unrealistic."
    )
    return join(tag("p", note, class_="quiet"), tag("div", drawn, class_="grid"))
