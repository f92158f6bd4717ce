"""The verdict of a monitor, and the next command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Literal

from onward.monitoring.windows import LEAST_ROWS
from onward.wording import format_count, format_number

MAX_NAMED = 3  # columns in a sentence
QUALITIES = {
    "accuracy": "accuracy",
    "mae": "mean absolute error",
    "log_loss": "log-loss",
    "coverage": "interval coverage",
    "calibration_slope": "calibration slope",
}
"""Names of quality measures in texts."""
ALARMS = ("drift", "quality lost")  # states


@dataclass(frozen=True)
class Commands:
    """What somebody may do next."""

    again: str
    """This command, with its options."""
    with_labels: str
    wider_windows: str
    retrain: str


@dataclass(frozen=True)
class Verdict:
    """The state of the model in one sentence."""

    state: Literal["too few rows", "quiet", "watch", "drift", "quality lost"]
    sentence: str
    command: str
    """What to do next."""

    @property
    def is_alarm(self) -> bool:
        """Whether somebody should act."""
        return self.state in ALARMS


def verdict(document: Mapping[str, Any], commands: Commands) -> Verdict:
    """Sum up all findings, and choose the next command."""
    found = _verdict(document, commands)
    return replace(found, sentence=f"{found.sentence} {_not_compared(document)}".rstrip())


def _not_compared(document: Mapping[str, Any]) -> str:
    """The windows at the end that the verdict is not about."""
    sizes = [window["rows"] for window in document["windows"]]
    few = [*takewhile(lambda size: size < LEAST_ROWS, reversed(sizes))]
    if len(few) in (0, len(sizes)):
        return ""
    if len(few) == 1:
        return f"The last window has {format_count(few[0], 'row')}, too few to compare."
    most = format_count(max(few), "row")
    return f"The last {len(few)} windows have at most {most}, too few to compare."


def _verdict(document: Mapping[str, Any], commands: Commands) -> Verdict:
    drifted, watched = (_names(document, state) for state in ("drift", "watch"))
    lost = [quality for quality in document["quality"] if quality["state"] == "drift"]
    worse = _worse_slices(document)
    estimate = document["estimate"]
    about = _quality_sentence(document)
    if lost or worse or (estimate and estimate["state"] == "drift"):
        start = "By an estimate, the model"
        if lost or worse:
            names = [quality["name"] for quality in lost] or [document["slices"]["name"]]
            start = f"The {_and([QUALITIES.get(name, name) for name in names])}"
        where = f" for {_join(worse)}" if worse and not lost else ""
        more = f", above all for {_join(worse)}" if worse and lost else ""
        verb = "are" if len(lost) > 1 else "is"
        drift = f"; {_join(drifted)} drifted" if drifted else ""
        sentence = f"{start} {verb} worse than on the test set{where}{more}{drift}. {about}"
        return Verdict("quality lost", sentence, _cure(commands, lost or worse))
    if drifted:
        count = f"{len(drifted)} of {len(document['columns']) + len(document['predictions'])}"
        sentence = f"Drift in {count} columns and predictions: {_join(drifted)}. {about}"
        return Verdict("drift", sentence, _cure(commands, _measured_now(document)))
    if not any(entry["state"] != "too few" for entry in document["columns"]):
        return Verdict("too few rows", _too_few(document), commands.wider_windows)
    if watched:
        sentence = f"No drift; watch {_join(watched)}: different in the last window. {about}"
        return Verdict("watch", sentence, commands.again)
    return Verdict("quiet", f"The rows look like the training rows. {about}", commands.again)


def _too_few(document: Mapping[str, Any]) -> str:
    largest = max(window["rows"] for window in document["windows"])
    return (
        f"No window has the {LEAST_ROWS} rows that a comparison needs; the largest has {largest}."
    )


def _cure(commands: Commands, measured: Sequence[Any]) -> str:
    """A new model where labels have measured the quality; before that labels."""
    return commands.retrain if measured else commands.with_labels


def _names(document: Mapping[str, Any], state: str) -> list[str]:
    """Columns and predictions in this state, with their broken rules."""
    distributions = (*document["columns"], *document["predictions"])
    rules: dict[str, list[str]] = {e["name"]: [] for e in distributions if e["state"] == state}
    for entry in document["contract"]:
        if entry["state"] == state:
            rules.setdefault(entry["column"], []).append(entry["kind"])
    return [f"{name} ({', '.join(kinds)})" if kinds else name for name, kinds in rules.items()]


def _worse_slices(document: Mapping[str, Any]) -> list[str]:
    found = document["slices"]
    entries = found["slices"] if found else []
    return [f"{e['column']} = {e['slice']}" for e in entries if e["state"] == "drift"]


def _and(names: Sequence[str]) -> str:
    return ", ".join([*names[:-2], " and ".join(names[-2:])])


def _join(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def _measured_now(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The qualities that labels have measured in the last window."""
    windows = document["windows"] if document["quality"] else []
    return [q for q in document["quality"] if latest(q) and older_window(q, windows) is None]


def _quality_sentence(document: Mapping[str, Any]) -> str:
    """The quality where labels have measured it last, and an estimate for later windows."""
    for quality in sorted(document["quality"], key=lambda quality: quality["state"] != "drift"):
        value = latest(quality)
        if value:
            window = older_window(quality, document["windows"])
            where = f" in the window {window}" if window else ""
            name = QUALITIES.get(quality["name"], quality["name"])
            sentence = f"Measured {name} {_with_test_value(value, quality, where)}."
            return sentence if window is None else f"{sentence} {_estimate_sentence(document)}"
    return _estimate_sentence(document)


def _estimate_sentence(document: Mapping[str, Any]) -> str:
    estimate = document["estimate"]
    value = latest(estimate) if estimate else None
    if value:
        where = " in the last window" if document["quality"] else ""
        name = QUALITIES[estimate["name"]]
        return f"Estimated {name} {_with_test_value(value, estimate, where)}."
    if estimate and any(estimate["unlike"]):
        return "Quality could not be estimated: the last rows are unlike those of the test set."
    return "Quality could not be estimated."


def older_window(quality: Mapping[str, Any], windows: Sequence[Mapping[str, Any]]) -> str | None:
    """The name of the window with the newest value; None if it is the last one with enough rows.

    Args:
        quality: with a value.
        windows: of the document.
    """
    newest = max(index for index, value in enumerate(quality["windows"]) if value)
    enough = [index for index, window in enumerate(windows) if window["rows"] >= LEAST_ROWS]
    name: str = windows[newest]["name"]
    return name if newest < max(enough, default=0) else None


def latest(quality: Mapping[str, Any]) -> Mapping[str, float] | None:
    """The newest value of a quality; None if there is none, or later rows had no estimate."""
    windows = quality["windows"]
    unlike = quality.get("unlike", [False] * len(windows))
    known = [v for v, is_unlike in zip(windows, unlike, strict=True) if v or is_unlike]
    return known[-1] if known else None


def _with_test_value(latest: Mapping[str, float], quality: Mapping[str, Any], where: str) -> str:
    value, held_out = (format_number(v, 3) for v in (latest["value"], quality["held_out"]))
    return f"{value}{where} ({held_out} on the test set)"
