"""The first line of a report, and what to type next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

SHOWN = 3  # names of columns in a sentence
QUALITIES = {
    "accuracy": "accuracy",
    "mae": "mean absolute error",
    "log_loss": "log-loss",
    "coverage": "interval coverage",
}
"""What outcomes are called."""


@dataclass(frozen=True)
class Verdict:
    """What a manager wants to know."""

    state: Literal["too few rows", "quiet", "watch", "drift", "quality lost"]
    sentence: str
    command: str
    """To type next."""

    @property
    def is_alarm(self) -> bool:
        """Whether somebody should act."""
        return self.state in ("drift", "quality lost")


def verdict(document: Mapping[str, Any], model: str, log: str) -> Verdict:
    """Sum up a document.

    Args:
        document: of all findings.
        model: path of the file, for the command.
        log: path of the log.
    """
    again = f"onward monitor {model} {log}"
    drifted, watched = (_named(document, state) for state in ("drift", "watch"))
    lost = [quality for quality in document["quality"] if quality["state"] == "drift"]
    estimate = document["estimate"]
    about = _quality_words(document)
    if lost or (estimate and estimate["state"] == "drift"):
        what = " and ".join(QUALITIES.get(quality["name"], quality["name"]) for quality in lost)
        start = f"The {what} is worse" if lost else "By an estimate, the model is worse"
        because = f", and {_columns(drifted)} drifted" if drifted else ""
        is_known = bool(lost)
        sentence = f"{start} than on the test set{because}. {about}"
        return Verdict(
            "quality lost", sentence, "dvc repro" if is_known else f"{again} --labels TABLE --on ID"
        )
    if drifted:
        count = f"{len(drifted)} of {len(document['columns']) + len(document['predictions'])}"
        sentence = f"Drift in {count} columns and predictions: {_columns(drifted)}. {about}"
        has_labels = bool(document["quality"])
        return Verdict(
            "drift", sentence, "dvc repro" if has_labels else f"{again} --labels TABLE --on ID"
        )
    if not any(entry["state"] != "too few" for entry in document["columns"]):
        return Verdict(
            "too few rows", "No window has enough rows to say anything.", f"{again} --by month"
        )
    if watched:
        sentence = f"No drift; watch {_columns(watched)}: different in the last window. {about}"
        return Verdict("watch", sentence, again)
    return Verdict("quiet", f"The rows look like the training rows. {about}", again)


def _named(document: Mapping[str, Any], state: str) -> list[str]:
    found = [
        e["name"] for e in (*document["columns"], *document["predictions"]) if e["state"] == state
    ]
    found += [f"{e['column']} ({e['kind']})" for e in document["contract"] if e["state"] == state]
    return list(dict.fromkeys(found))


def _columns(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _quality_words(document: Mapping[str, Any]) -> str:
    """The quality in the last window: with labels if there are any, else estimated."""
    for quality in sorted(document["quality"], key=lambda quality: quality["state"] != "drift"):
        values = [value for value in quality["windows"] if value]
        if values:
            name = QUALITIES.get(quality["name"], quality["name"])
            return f"Measured {name} {_compared(values[-1], quality)}."
    estimate = document["estimate"]
    values = [value for value in estimate["windows"] if value] if estimate else []
    if not values:
        return "No quality can be estimated."
    return f"Estimated {QUALITIES[estimate['name']]} {_compared(values[-1], estimate)}."


def _compared(now: Mapping[str, float], quality: Mapping[str, Any]) -> str:
    return f"{now['value']:.3g} ({quality['held_out']:.3g} on the test set)"
