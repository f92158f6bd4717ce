"""The search for settings: its trainings, where they lay, and which settings mattered."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from onward.report import charts
from onward.report.formatting import number, percent
from onward.report.markup import Content, Html, figure, join, table, tag
from onward.report.report_data import Evidence
from onward.wording import format_count

SHOWN = 8  # trainings; the others are folded


def tuning(evidence: Evidence) -> Html:
    """Table, parallel coordinates and importance of settings; nothing without a search."""
    found = evidence.tuning
    if not found:
        return Html("")
    ranked = sorted(found["trainings"], key=_order)
    best = next(one for one in ranked if _id(one) == _id(found["best"]))
    mattered = found.get("importance", {})
    drawings = [figure("Settings of all trials", charts.parallel(found["space"], ranked, best))]
    if mattered:
        drawings.append(figure("Importance of settings", charts.shares(mattered)))
    return join(
        tag("p", _note(found, best), class_="quiet"),
        tag("div", drawings, class_="grid"),
        *(
            _several(found, name, card)
            for name, card in (("ensemble", _ensemble), ("folds", _on_folds))
        ),
        tag("div", tag("h3", "Trainings"), _trainings(found, ranked, best), class_="card"),
    )


def _note(found: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    trials = {one["trial"] for one in found["trainings"]}
    mattered = found.get("importance", {})
    first = next(one for one in found["trainings"] if one["trial"] == 0)
    sentences = [
        f"onward tune ran {format_count(len(trials), 'trial')} in"
        f" {format_count(len(found['trainings']), 'training')}. The best one, trial"
        f" {best['trial']} with {format_count(best['epochs'], 'epoch')}, has a validation loss of"
        f" {number(best['loss'])}; the settings that the config then had, trial 0,"
        f" {number(first['loss'])}. The lowest of many losses is optimistic; the test set was not"
        " used.",
        *_confirmation(found["best"]),
    ]
    if mattered:
        left = max(0.0, 1 - sum(mattered.values()))
        sentences.append(
            "Importance is the share of the variance of the losses of the shortest trainings that a"
            f" setting explains by itself (functional ANOVA); combinations explain {percent(left)}."
        )
    return " ".join(sentences)


def _confirmation(best: Mapping[str, Any]) -> Iterator[str]:
    """Whether rows that did not choose the best training confirm it."""
    gain, refusal = best.get("gain"), best.get("refusal")
    if gain:
        value, lower, upper = (number(gain[name]) for name in ("value", "lower", "upper"))
        yield (
            f"Out of fold, on rows that did not choose the best one, its gain is {value}, 95 %"
            f" interval {lower} to {upper}."
        )
    if refusal:
        yield f"best.yaml keeps the settings of the config: {refusal}."


def _several(
    found: Mapping[str, Any], name: str, card: Callable[[Mapping[str, Any]], Html]
) -> Html:
    """A card on several networks in place of one, or why they were not compared with it."""
    about = found.get(name)
    if about is None:  # of an earlier version
        return Html("")
    if "gain" not in about:
        return tag("p", f"No {name}: {about['refusal']}.", class_="quiet")
    return card(found)


def _ensemble(found: Mapping[str, Any]) -> Html:
    """The members of the best ensemble, and whether `best.yaml` asks for it."""
    about = found["ensemble"]
    losses = {_id(one): one["loss"] for one in found["trainings"]}
    total = sum(member["count"] for member in about["members"])
    lines = [
        [
            f"{member['trial']}",
            f"{member['epochs']}",
            percent(member["count"] / total),
            number(losses[_id(member)]),
        ]
        for member in about["members"]
    ]
    head = ["trial", "epochs", "share of the mean", "validation loss alone"]
    return tag(
        "div",
        tag("h3", "Ensemble"),
        tag("p", _verdict(about), class_="quiet"),
        table(head, lines, "numbers"),
        class_="card",
    )


def _on_folds(found: Mapping[str, Any]) -> Html:
    """Whether a network for each fold is better than a single one."""
    about = found["folds"]
    value, lower, upper = (number(about["gain"][name]) for name in ("value", "lower", "upper"))
    decision = f"has no folds: {about['refusal']}" if about["refusal"] else "has the folds"
    sentence = (
        f"With the best settings, {about['folds']} networks, each trained without another fifth of"
        f" the training rows, have a validation loss of {number(about['loss'])} together, and of"
        f" {number(about['single'])} alone, in the mean. The gain is {value}, 95 % interval {lower}"
        f" to {upper}. best.yaml {decision}."
    )
    return tag("div", tag("h3", "Folds"), tag("p", sentence, class_="quiet"), class_="card")


def _verdict(about: Mapping[str, Any]) -> str:
    ends = [number(about["gain"][name]) for name in ("value", "lower", "upper")]
    decision = (
        f"best.yaml has no ensemble: {about['refusal']}."
        if about["refusal"]
        else "best.yaml has the ensemble."
    )
    return (
        "Greedy ensemble selection: the mean of the predictions of these trainings has a validation"
        f" loss of {number(about['loss'])}, a single network {number(about['single'])}. Out"
        f" of fold, on rows that chose neither, its gain is {ends[0]}, 95 % interval {ends[1]}"
        f" to {ends[2]}. {decision}"
    )


def _trainings(
    found: Mapping[str, Any], ranked: list[Mapping[str, Any]], best: Mapping[str, Any]
) -> Html:
    names = [*found["space"]]
    head = ["trial", "epochs", "validation loss", *charts.setting_titles(names)]
    lines = [_line(one, names, is_best=one is best) for one in ranked]
    shown = table(head, lines[:SHOWN], "numbers")
    if len(lines) <= SHOWN:
        return shown
    rest = table(head, lines[SHOWN:], "numbers")
    return join(shown, tag("details", tag("summary", f"{len(lines) - SHOWN:,} more"), rest))


def _line(training: Mapping[str, Any], names: list[str], is_best: bool) -> list[Content]:
    loss = training.get("failure") or number(training["loss"])
    values = (_value(training["values"][name]) for name in names)
    return [
        f"{training['trial']}",
        f"{training['epochs']}",
        tag("b", loss) if is_best else loss,
        *values,
    ]


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _id(training: Mapping[str, Any]) -> tuple[int, int]:
    return training["trial"], training["epochs"]


def _order(training: Mapping[str, Any]) -> tuple[float, int, int]:
    loss = training["loss"]
    return (float("inf") if loss is None else loss, *_id(training))
