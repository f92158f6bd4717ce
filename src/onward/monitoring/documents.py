"""The findings of a monitor as a document, for JSON and the page."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from onward.monitoring.bins import Array
from onward.monitoring.effects import effect, squared_effect
from onward.monitoring.judging import (
    Judgement,
    State,
    breach_states,
    judge,
    last,
    running_states,
    states,
)
from onward.monitoring.predictions import LOSSES
from onward.monitoring.profile import Distribution, Profile
from onward.monitoring.proportions import wilson
from onward.monitoring.tally import Tally, WindowCounts
from onward.monitoring.windows import LEAST_ROWS, Period, window_name

MARGIN = 0.1  # standard deviations of a row; a loss of quality below it is negligible, as w of 0.1
COMPLETE = 0.8  # share of rows with a label; the first labels may be a biased sample
ONE_SIDED = 1.644854  # standard deviations; 95 %
SIDE = 1.959964
RANGES = {"accuracy": (0.0, 1.0), "mae": (0.0, np.inf)}
"""Of estimated qualities."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LEAST_WEEKS = 2


@dataclass(frozen=True)
class Log:
    """The windows of a log, in order."""

    keys: list[int]
    windows: list[WindowCounts]
    period: Period | None

    @classmethod
    def of(cls, tally: Tally, period: Period | None) -> "Log":
        """The windows of a tally."""
        keys = sorted(tally.windows)
        return cls(keys, [tally.windows[key] for key in keys], period)

    @property
    def names(self) -> list[str]:
        """Names of the windows."""
        return [window_name(key, self.period) for key in self.keys]

    def latest(self) -> WindowCounts | None:
        """The last window with enough rows."""
        enough = [window for window in self.windows if window.rows >= LEAST_ROWS]
        return enough[-1] if enough else None


def document(profile: Profile, tally: Tally, period: Period | None) -> dict[str, Any]:
    """All findings; `verdicts.verdict` sums them up.

    Args:
        profile: statistics of the training rows.
        tally: counts of the log.
        period: length of a window; None if windows are counted in rows.
    """
    log = Log.of(tally, period)
    columns, outputs = (
        judge(profile.columns, log.windows, "columns"),
        judge(profile.outputs, log.windows, "outputs"),
    )
    # one family of tests: a prefix keeps a column apart from an output of the same name
    together = {("column", n): p for n, p in columns.items()}
    together |= {("output", n): p for n, p in outputs.items()}
    judged = states({str(key): chances for key, chances in together.items()})
    entries = [
        _entry(kind, known[name], judged[str((kind, name))], log)
        for kind, known in (("column", profile.columns), ("output", profile.outputs))
        for name in known
        if str((kind, name)) in judged
    ]
    entries.sort(key=lambda entry: -entry["effect"]["value"] * (entry["importance"] + 1e-9))
    return {
        "rows": sum(window.rows for window in log.windows),
        "windows": [
            {"name": name, "rows": window.rows, "labelled": window.labelled}
            for name, window in zip(log.names, log.windows, strict=True)
        ],
        "contract": [*_breaches(profile, tally, log)],
        "columns": [entry for entry in entries if entry["kind"] == "column"],
        "predictions": [entry for entry in entries if entry["kind"] == "output"],
        "estimate": _estimates(profile, log),
        "quality": [*_qualities(profile, log)],
        "seasons": [*_seasons(profile, log)],
    }


def _entry(kind: str, known: Distribution, judgement: Judgement, log: Log) -> dict[str, Any]:
    counts = _latest_counts(known.name, f"{kind}s", log)
    distance = effect(counts, known.counts)
    q = judgement.q_values[~np.isnan(judgement.q_values)]
    return {
        "name": known.name,
        "kind": kind,
        "state": last(judgement.states),
        "since": _since(judgement.states, log.names),
        "effect": {name: _short(value) for name, value in asdict(distance).items()},
        "negligible": _short(known.negligible),
        "q": _short(q[-1]) if len(q) else None,
        "importance": known.importance,
        "moved": largest_change(known, counts),
        "bins": known.bins.names,
        "reference": _shares(known.counts),
        "shares": _shares(counts),
        "states": judgement.states,
    }


def _latest_counts(name: str, part: str, log: Log) -> Array:
    for window in reversed(log.windows):
        if window.rows >= LEAST_ROWS and name in getattr(window, part):
            counts: Array = getattr(window, part)[name].astype(float)
            return counts
    raise AssertionError(name)


def largest_change(known: Distribution, counts: Array) -> str:
    """The bin whose share has changed most, with both shares."""
    before, now = known.counts / known.counts.sum(), counts / max(counts.sum(), 1)
    index = int(np.abs(now - before).argmax())
    return f"{known.bins.names[index]}: {now[index]:.1%}, was {before[index]:.1%}"


def _since(window_states: Sequence[State], names: Sequence[str]) -> str | None:
    """The window in which the current findings began."""
    start = None
    for state, name in zip(window_states, names, strict=True):
        if state == "quiet":
            start = None
        elif state == "watch":
            start = name
    return start


def _breaches(profile: Profile, tally: Tally, log: Log) -> Iterator[dict[str, Any]]:
    keys = dict.fromkeys(key for window in log.windows for key in window.breaches)
    rows, latest = [window.rows for window in log.windows], log.latest()
    for name, kind in keys:
        counts = [window.breaches.get((name, kind), 0) for window in log.windows]
        known = profile.columns[name].unseen if kind == "unseen" else (0, 0)
        window_states = breach_states(kind, counts, rows, known)
        count, of = sum(counts), sum(rows)
        now = (0, 0) if latest is None else (latest.breaches.get((name, kind), 0), latest.rows)
        lower, upper = wilson(*now)
        yield {
            "column": name,
            "kind": kind,
            "state": last(window_states),
            "rows": count,
            "share": _short(count / max(of, 1)),
            "latest": {"share": _short(now[0] / max(now[1], 1)), "lower": lower, "upper": upper},
            "reference": _short(known[0] / known[1]) if known[1] else None,
            "first": next(n for n, c in zip(log.names, counts, strict=True) if c),
            "examples": tally.examples[name, kind],
            "states": window_states,
        }


def _estimates(profile: Profile, log: Log) -> dict[str, Any] | None:
    """Estimated quality by window."""
    name = next((name for name in ("accuracy", "mae") if name in profile.quality), None)
    if profile.correction is None or name is None:
        return None
    held_out = profile.quality[name]
    margin = MARGIN * held_out["sd"]
    estimates: list[dict[str, float] | None] = []
    lost = []
    for window in log.windows:
        if window.estimated is None or window.rows < LEAST_ROWS:
            estimates.append(None)
            lost.append(False)
            continue
        estimate = profile.correction.estimate(window.estimated)
        # the line of the correction may lead beyond what a mean can be
        possible = {key: np.clip(value, *RANGES[name]) for key, value in asdict(estimate).items()}
        estimates.append({key: _short(value) for key, value in possible.items()})
        is_lower_better = name in LOSSES
        worse = held_out["mean"] + margin if is_lower_better else held_out["mean"] - margin
        lost.append(estimate.lower > worse if is_lower_better else estimate.upper < worse)
    judged = np.array([estimate is not None for estimate in estimates])
    states_of = running_states(np.array(lost), judged)
    return {
        "name": name,
        "held_out": held_out["mean"],
        "margin": _short(margin),
        "state": last(states_of),
        "windows": estimates,
        "states": states_of,
    }


def _qualities(profile: Profile, log: Log) -> Iterator[dict[str, Any]]:
    """Measured quality by window; it is tested if nearly all rows have a label."""
    if not any(window.labelled for window in log.windows):
        return
    for name, held_out in profile.quality.items():
        intervals: list[dict[str, float] | None] = []
        lost, judged = [], []
        for window in log.windows:
            moments = window.quality.get(name)
            if moments is None or moments.rows < 2:
                intervals.append(None)
                lost.append(False)
                judged.append(False)
                continue
            error = float(np.sqrt(moments.variance / moments.rows))
            reach = SIDE * error
            value = moments.mean
            intervals.append({"value": value, "lower": value - reach, "upper": value + reach})
            sign = 1 if name in LOSSES else -1
            excess = sign * (value - held_out["mean"]) - MARGIN * held_out["sd"]
            deviation = np.hypot(error, held_out["sd"] / np.sqrt(held_out["rows"]))
            lost.append(bool(excess > ONE_SIDED * deviation))
            is_complete = window.labelled >= COMPLETE * window.rows
            judged.append(is_complete and moments.rows >= LEAST_ROWS)
        states_of = running_states(np.array(lost), np.array(judged))
        yield {
            "name": name,
            "held_out": held_out["mean"],
            "margin": _short(MARGIN * held_out["sd"]),
            "state": last(states_of),
            "windows": intervals,
            "states": states_of,
        }


def _seasons(profile: Profile, log: Log) -> Iterator[dict[str, Any]]:
    """Columns with more than negligible differences between weekdays."""
    days = [datetime.fromtimestamp(key, UTC).weekday() for key in log.keys if log.period == "day"]
    if len(days) < 7 * LEAST_WEEKS:
        return
    for name, known in profile.columns.items():
        parts = [
            (day, window.columns[name])
            for day, window in zip(days, log.windows, strict=True)
            if name in window.columns
        ]
        total = sum((counts for _, counts in parts), np.zeros(known.bins.size))
        effects = {}
        for day, called in enumerate(WEEKDAYS):
            counts = sum((c for d, c in parts if d == day), np.zeros(known.bins.size))
            if counts.sum() >= LEAST_ROWS and (total - counts).sum() >= LEAST_ROWS:
                squared = float(squared_effect(counts, total - counts))
                effects[called] = _short(np.sqrt(max(0.0, squared)))
        if effects and max(effects.values()) > known.negligible:
            yield {"column": name, "negligible": _short(known.negligible), "weekdays": effects}


def _shares(counts: Array) -> list[float]:
    return [_short(share) for share in counts / max(counts.sum(), 1)]


def _short(value: Any) -> float:
    return float(f"{float(value):.5g}")
