"""The decision rule of the label, if it is not the most probable class."""

from onward.report.markup import Html, table, tag
from onward.report.report_data import Evidence
from onward.serving.decision_rule import describe_rule


def card(evidence: Evidence) -> Html:
    """The objective, the rule and its gain."""
    rows = describe_rule(evidence.notes["decision"], evidence.schema.target.classes)
    note = (
        "The rule was fitted on predictions of validation rows, or of folds, and scored on the test"
        " set. It changes labels and the metrics of labels, not probabilities. The labels of the"
        " baselines are their most probable classes."
    )
    head = tag("h3", "Decision rule of the label")
    return tag("div", head, table(["", ""], rows), tag("p", note, class_="quiet"), class_="card")
