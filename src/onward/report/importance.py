"""Which columns matter."""

from onward.report import charts
from onward.report.formatting import within
from onward.report.markup import Html, figure, tag
from onward.report.report_data import Evidence


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
