"""Significant differences between windows and the training rows.

A column is in the state ``watch`` if its difference is significant among all columns and outputs of
the window (Benjamini and Hochberg). It is in ``drift`` if it also was in the window before, and if
it is in the rows of both together: days differ in either direction and partly cancel out, a drift
has one direction. The null hypothesis is a negligible effect, see `negligible`. In a year of daily
windows, tests of "no difference" would raise an alarm every few weeks without any change, and every
day if days differ slightly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from onward.monitoring.bins import Array
from onward.monitoring.effects import discoveries, p_value, q_values
from onward.monitoring.negligible import negligible_effects
from onward.monitoring.profile import Distribution
from onward.monitoring.proportions import wilson
from onward.monitoring.tally import WindowCounts
from onward.monitoring.windows import LEAST_ROWS

State = Literal["too few", "quiet", "watch", "drift"]

SURE = 3.0  # standard deviations, for the share of rows that break the contract
ALLOWED = {"unseen": 0.002, "unreadable": 0.002, "out of range": 0.01}
"""Negligible shares of rows, whatever the training rows had."""


@dataclass(frozen=True)
class Comparison:
    """The tests of one column or output in each window, ``(windows,)``.

    NaN for windows with too few rows or without it.
    """

    alone: Array
    """P-values of the rows of each window."""
    together: Array
    """P-values of the rows of each window and of the one before it, if any."""
    negligible: Array
    """The largest negligible effects."""


@dataclass(frozen=True)
class Judgement:
    """The tests of one column or output, among those of all others."""

    q_values: Array
    """``(windows,)``; NaN for windows with too few rows."""
    negligible: Array
    """The largest negligible effects, ``(windows,)``; NaN also for windows without it."""
    states: list[State]


def judge(
    known: Mapping[str, Distribution], windows: Sequence[WindowCounts], counts: str
) -> dict[str, Comparison]:
    """Compare each column or output with the training rows.

    Args:
        known: distributions of the training rows.
        windows: in order.
        counts: ``columns`` or ``outputs``.
    """
    comparisons = {}
    for name, distribution in known.items():
        parts = [
            getattr(window, counts).get(name) if window.rows >= LEAST_ROWS else None
            for window in windows
        ]
        judged = [index for index, part in enumerate(parts) if part is not None]
        tests = np.full((3, len(windows)), np.nan)
        if judged:
            table = np.array([parts[index] for index in judged], np.float64)  # (judged, bins)
            of_judged = compare(table, distribution.counts, distribution.spread)
            tests[:, judged] = of_judged.alone, of_judged.together, of_judged.negligible
        comparisons[name] = Comparison(*tests)
    return comparisons


def compare(counts: Array, reference: Array, spread: float) -> Comparison:
    """Compare windows with the training rows.

    Args:
        counts: ``(windows, bins)``, in order.
        reference: ``(bins,)`` of the training rows.
        spread: between blocks of the training rows.
    """
    limits = negligible_effects(counts, spread)
    pairs = counts.copy()
    pairs[1:] += counts[:-1]
    return Comparison(p_value(counts, reference, limits), p_value(pairs, reference, limits), limits)


def states(comparisons: Mapping[str, Comparison]) -> dict[str, Judgement]:
    """The states of all columns and outputs, tested together."""
    known = {name: c for name, c in comparisons.items() if not np.isnan(c.alone).all()}
    if not known:
        return {}
    alone = np.array([comparison.alone for comparison in known.values()])  # (names, windows)
    together = np.array([comparison.together for comparison in known.values()])
    is_judged = ~np.isnan(alone).all(0)
    alone, together = (np.where(np.isnan(table), 1.0, table) for table in (alone, together))
    q = np.where(is_judged, q_values(alone.T).T, np.nan)
    is_found, is_common = (discoveries(table.T).T & is_judged for table in (alone, together))
    found = [common_states(*rows, is_judged) for rows in zip(is_found, is_common, strict=True)]
    return {
        name: Judgement(q[index], comparison.negligible, found[index])
        for index, (name, comparison) in enumerate(known.items())
    }


def common_states(is_found: Array, is_common: Array, is_judged: Array) -> list[State]:
    """The states of findings; no ``drift`` without one in the rows of both windows together."""
    running = running_states(is_found, is_judged)
    return [
        "watch" if state == "drift" and not common else state
        for state, common in zip(running, is_common, strict=True)
    ]


def running_states(is_found: Array, is_judged: Array) -> list[State]:
    """``watch`` for a finding, ``drift`` if there was one in the window before as well."""
    states: list[State] = []
    was_found = False
    for now, judged in zip(is_found, is_judged, strict=True):
        if not judged:
            states.append("too few")
            continue
        states.append("drift" if now and was_found else "watch" if now else "quiet")
        was_found = bool(now)
    return states


def breach_states(
    kind: str, counts: Sequence[int], rows: Sequence[int], reference: tuple[int, int]
) -> list[State]:
    """The states of a rule of the contract.

    Args:
        kind: of the breach.
        counts: rows that break the rule in each window.
        rows: number of rows of each window.
        reference: held-out rows that break the rule, and their total number.
    """
    allowed = max(ALLOWED[kind], wilson(*reference, SURE)[1] if reference[1] else 0.0)
    is_found = [wilson(n, m, SURE)[0] > allowed for n, m in zip(counts, rows, strict=True)]
    return running_states(np.array(is_found), np.array(rows) >= LEAST_ROWS)


def last(states: Sequence[State]) -> State:
    """The state of the last window with enough rows."""
    return next((state for state in reversed(states) if state != "too few"), "too few")


def since(states: Sequence[State], windows: Sequence[str]) -> str | None:
    """The window in which the current findings began."""
    start = None
    for state, name in zip(states, windows, strict=True):
        if state == "quiet":
            start = None
        elif state == "watch" and start is None:
            start = name
    return start
