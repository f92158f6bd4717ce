"""Significant differences between windows and the training rows.

A column is in the state ``watch`` if its difference is significant among all columns and outputs of
the window (Benjamini and Hochberg), and in ``drift`` if it also was in the window before. The null
hypothesis is a negligible effect: at most 0.1, or 2.5 times the column's spread between blocks of
the training rows. In a year of daily windows, tests of "no difference" would raise an alarm every
few weeks without any change, and every day if days differ slightly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from onward.monitoring.bins import Array
from onward.monitoring.effects import discoveries, p_value, q_values
from onward.monitoring.profile import Distribution
from onward.monitoring.proportions import wilson
from onward.monitoring.tally import WindowCounts
from onward.monitoring.windows import LEAST_ROWS

State = Literal["too few", "quiet", "watch", "drift"]

SURE = 3.0  # standard deviations, for the share of rows that break the contract
ALLOWED = {"unseen": 0.002, "unreadable": 0.002, "out of range": 0.01}
"""Negligible shares of rows, whatever the training rows had."""


@dataclass(frozen=True)
class Judgement:
    """The tests of one column or output in each window."""

    q_values: Array
    """``(windows,)``; NaN for windows with too few rows."""
    states: list[State]


def judge(
    known: Mapping[str, Distribution], windows: Sequence[WindowCounts], counts: str
) -> dict[str, Array]:
    """P-values of each column or output; NaN for windows with too few rows or without it.

    Args:
        known: distributions of the training rows.
        windows: in order.
        counts: ``columns`` or ``outputs``.
    """
    judgements = {}
    for name, distribution in known.items():
        parts = [
            getattr(window, counts).get(name) if window.rows >= LEAST_ROWS else None
            for window in windows
        ]
        chances = np.full(len(windows), np.nan)
        judged = [index for index, part in enumerate(parts) if part is not None]
        if judged:
            table = np.array([parts[index] for index in judged], np.float64)  # (judged, bins)
            chances[judged] = p_value(table, distribution.counts, distribution.negligible)
        judgements[name] = chances
    return judgements


def states(p_values: Mapping[str, Array]) -> dict[str, Judgement]:
    """The states of all columns and outputs, tested together."""
    names = [name for name, chances in p_values.items() if not np.isnan(chances).all()]
    if not names:
        return {}
    table = np.array([p_values[name] for name in names])  # (names, windows)
    is_judged = ~np.isnan(table).all(0)
    table = np.where(np.isnan(table), 1.0, table)
    q = np.where(is_judged, q_values(table.T).T, np.nan)
    is_discovery = np.where(is_judged, discoveries(table.T).T, False)
    return {
        name: Judgement(q[index], running_states(is_discovery[index], is_judged))
        for index, name in enumerate(names)
    }


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
        elif state == "watch":
            start = name
    return start
