"""The findings of a monitor as a document, for JSON and the page."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from onward.monitoring.bins import Array
from onward.monitoring.effects import effect, squared_effect
from onward.monitoring.judging import (
    Judgement,
    breach_states,
    judge,
    last,
    since,
    states,
)
from onward.monitoring.log import Log, short
from onward.monitoring.negligible import negligible_effect
from onward.monitoring.profile import Distribution, Profile
from onward.monitoring.proportions import wilson
from onward.monitoring.quality import estimated, frequencies, measured, worse_slices
from onward.monitoring.tally import Tally
from onward.monitoring.windows import LEAST_ROWS, Period

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LEAST_WEEKS = 2


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
    together = {("column", n): c for n, c in columns.items()}
    together |= {("output", n): c for n, c in outputs.items()}
    judged = states({str(key): comparison for key, comparison in together.items()})
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
        "estimate": estimated(profile, log),
        "quality": [*measured(profile, log)],
        "calibration": frequencies(profile, log),
        "slices": worse_slices(profile, log),
        "seasons": [*_seasons(profile, log)],
    }


def _entry(kind: str, known: Distribution, judgement: Judgement, log: Log) -> dict[str, Any]:
    counts = _latest_counts(known.name, f"{kind}s", log)
    distance = effect(counts, known.counts)
    q = judgement.q_values[~np.isnan(judgement.q_values)]
    negligible = judgement.negligible[~np.isnan(judgement.negligible)]
    return {
        "name": known.name,
        "kind": kind,
        "state": last(judgement.states),
        "since": since(judgement.states, log.names),
        "effect": {name: short(value) for name, value in asdict(distance).items()},
        "negligible": short(negligible[-1]),
        "q": short(q[-1]) if len(q) else None,
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
            "share": short(count / max(of, 1)),
            "latest": {"share": short(now[0] / max(now[1], 1)), "lower": lower, "upper": upper},
            "reference": short(known[0] / known[1]) if known[1] else None,
            "first": next(n for n, c in zip(log.names, counts, strict=True) if c),
            "examples": tally.examples[name, kind],
            "states": window_states,
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
                effects[called] = short(np.sqrt(max(0.0, squared)))
        # that of the log grows with the very differences between weekdays
        negligible = negligible_effect(known.spread)
        if effects and max(effects.values()) > negligible:
            yield {"column": name, "negligible": short(negligible), "weekdays": effects}


def _shares(counts: Array) -> list[float]:
    return [short(share) for share in counts / max(counts.sum(), 1)]
