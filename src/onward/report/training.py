"""Loss and time of the training."""

import math

from onward.report import charts, speed
from onward.report.formatting import number
from onward.report.markup import Html, figure, join, table, tag
from onward.report.report_data import Evidence
from onward.wording import format_count


def training(evidence: Evidence) -> Html:
    """Loss by epoch, and the training time."""
    note = _note(evidence)
    if evidence.refit:
        note += f" {evidence.refit}"
    chart = figure("Loss by epoch", charts.learning_curves(evidence.history))
    left = tag("p", note, class_="quiet")
    if evidence.speed:
        which = "member 1" if evidence.members else "this run"
        which = f"fold {evidence.folds}" if evidence.folds else which
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


def _note(evidence: Evidence) -> str:
    """What was trained, and its validation loss."""
    loss = number(evidence.notes.get("metrics", {}).get("validation/loss", math.nan))
    if evidence.members:
        return (
            f"The model averages the predictions of {len(evidence.members)} networks that learned"
            f" from the same rows. Its validation loss is {loss}. The chart is of member 1."
        )
    if evidence.folds:
        return (
            f"The model averages the predictions of {evidence.folds} networks, each of which"
            f" learned without another fold of the rows. Out of fold, the loss is {loss}. The chart"
            " has means of the networks, for the epochs that all have reached."
        )
    best = min(evidence.history, key=lambda epoch: epoch["validation/loss"])
    return (
        f"{format_count(len(evidence.history), 'epoch')}. The weights are those of epoch"
        f" {int(best['epoch'])}, which had the lowest validation loss"
        f" ({number(best['validation/loss'])})."
    )
