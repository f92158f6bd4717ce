"""Loss and time of the training."""

from onward.report import charts, speed
from onward.report.formatting import number
from onward.report.markup import Html, figure, join, table, tag
from onward.report.report_data import Evidence


def training(evidence: Evidence) -> Html:
    """Loss by epoch, and the training time."""
    best = min(evidence.history, key=lambda epoch: epoch["validation/loss"])
    note = (
        f"{len(evidence.history):,} epochs. The weights are those of epoch {int(best['epoch'])},"
        f" which had the lowest validation loss ({number(best['validation/loss'])})."
    )
    if evidence.members:
        loss = evidence.notes["metrics"]["validation/loss"]
        note = (
            f"The model averages the predictions of {len(evidence.members)} networks that learned"
            f" from the same rows. Its validation loss is {number(loss)}. The chart is of member 1."
        )
    if evidence.refit:
        note += f" {evidence.refit}"
    chart = figure("Loss by epoch", charts.learning_curves(evidence.history))
    left = tag("p", note, class_="quiet")
    if evidence.speed:
        which = "member 1" if evidence.members else "this run"
        facts = table([which, ""], speed.facts(evidence.speed))
        left = join(left, tag("p", speed.waits(evidence.speed), class_="quiet"), facts)
    whole = tag("div", tag("div", left), chart, class_="noted")
    if not evidence.members:
        return whole
    networks = [
        tag("p", tag("b", name), f": {text}", class_="quiet")
        for name, text in evidence.members.items()
    ]
    return join(whole, tag("div", tag("h3", "Networks"), networks, class_="card"))
