"""Permutation importance of each column."""

from onward.report import charts
from onward.report.formatting import within
from onward.report.markup import Html, figure, tag
from onward.report.report_data import Evidence


def importance(evidence: Evidence) -> Html:
    """Permutation importance of each column."""
    title = within(evidence.task.main_metric.title)
    note = (
        f"Drop in {title} when the column is shuffled (permutation importance). The line is the"
        " 95 % interval over rows and five shuffles. Columns that carry the same information share"
        " their importance."
    )
    chart = charts.importance(evidence.plots["importance"], title)
    return tag(
        "div", tag("p", note, class_="quiet"), figure(f"Drop in {title}", chart), class_="noted"
    )
