"""How predictions answer to one column."""

import polars as pl

from onward.report import charts
from onward.report.markup import Html, join, tag
from onward.report.report_data import Evidence


def dependence(evidence: Evidence) -> Html:
    """One drawing for each of the most important columns."""
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
    thin = " Each thin line or dot is one held-out row." if len(lines) else ""
    note = (
        "The mean prediction when all rows get the same value in this column, and keep their own in"
        f" the others (partial dependence, Friedman 2001).{thin} Ticks are deciles of the held-out"
        " rows. It shows what the model does, not what causes the target; where columns go"
        " together, some of the rows so made do not exist."
    )
    return join(tag("p", note, class_="quiet"), tag("div", drawn, class_="grid"))
