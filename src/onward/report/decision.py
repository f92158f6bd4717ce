"""How the label is decided, where that is not the likeliest class."""

from onward.report.markup import Html, table, tag
from onward.report.report_data import Evidence
from onward.tasks.decision import said


def card(evidence: Evidence) -> Html:
    """For what, by which rule, and what it gained."""
    rows = said(evidence.notes["decision"], evidence.schema.target.classes)
    note = (
        "The rule was chosen by the validation rows; test rows show what it is worth. It changes"
        " labels, and what is counted of them, not probabilities. The labels of the yardsticks are"
        " their likeliest classes."
    )
    head = tag("h3", "How the label is decided")
    return tag("div", head, table(["", ""], rows), tag("p", note, class_="quiet"), class_="card")
