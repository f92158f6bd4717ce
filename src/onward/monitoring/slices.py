"""Slices of the rows in which the model has become worse than on the test set.

A slice is a bin of a column. All slices of a window are tested together: some of many look worse by
chance, and a test set may be flattering in some of them for ever.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from onward.monitoring.bins import Array
from onward.monitoring.judging import State, last, running_states, since
from onward.monitoring.log import short
from onward.monitoring.profile import Distribution
from onward.monitoring.tally import WindowCounts

LEAST_SLICE = 50  # rows with a label, in the window and in the test set
LEVEL = 0.005  # chance of a false finding among all slices of a window
LISTED = 40  # slices that are not worse
SIDE = 1.959964


@dataclass(frozen=True)
class Slice:
    """A bin of a column."""

    column: str
    name: str
    states: list[State]
    now: Array
    """Rows, sum and sum of squares of the loss in the last tested window."""
    reference: Array
    """Rows, mean and standard deviation of the loss on the test set."""

    def entry(self, windows: Sequence[str]) -> dict[str, Any]:
        """For the document."""
        rows, mean, spread = _moments(self.now)
        reach = SIDE * spread / np.sqrt(rows)
        return {
            "column": self.column,
            "slice": self.name,
            "state": last(self.states),
            "since": since(self.states, windows),
            "rows": int(rows),
            "value": short(mean),
            "lower": short(mean - reach),
            "upper": short(mean + reach),
            "held_out": float(self.reference[1]),
            "states": self.states,
        }


def slices(
    columns: Mapping[str, Distribution],
    windows: Sequence[WindowCounts],
    is_judged: Sequence[bool],
    margin: float,
) -> list[Slice]:
    """All slices with enough rows in a window, the worst ones first.

    Args:
        columns: of the training rows.
        windows: in order.
        is_judged: whether a window has enough rows and labels.
        margin: of the loss; a smaller increase is negligible.
    """
    bins = [*_bins(columns, windows, is_judged)]
    if not bins:
        return []
    chances = np.array([_chances(part.sums, part.reference, margin) for part in bins])
    is_tested = ~np.isnan(chances)  # (slices, windows)
    is_found = np.where(is_tested, chances, 1.0) * is_tested.sum(0) <= LEVEL  # Bonferroni
    found = [
        Slice(
            part.column,
            part.name,
            running_states(worse, tested),
            part.sums[np.flatnonzero(tested)[-1]],
            part.reference,
        )
        for part, worse, tested in zip(bins, is_found, is_tested, strict=True)
        if tested.any()
    ]
    return sorted(found, key=_order)


@dataclass(frozen=True)
class _Bin:
    """A bin with enough test rows."""

    column: str
    name: str
    sums: Array
    """Rows, sum and sum of squares of the loss, ``(windows, 3)``; zeros if not judged."""
    reference: Array


def _bins(
    columns: Mapping[str, Distribution],
    windows: Sequence[WindowCounts],
    is_judged: Sequence[bool],
) -> Iterator[_Bin]:
    for name, known in columns.items():
        if known.losses is None:
            continue
        empty = np.zeros((known.bins.size, 3))
        parts = [
            window.losses.get(name, empty) if judged else empty
            for window, judged in zip(windows, is_judged, strict=True)
        ]
        table = np.array(parts).reshape(len(windows), known.bins.size, 3)
        for index in np.flatnonzero(known.losses[:, 0] >= LEAST_SLICE):
            yield _Bin(name, known.bins.names[index], table[:, index], known.losses[index])


def listed(found: Sequence[Slice]) -> Iterator[Slice]:
    """All that are or were worse, and some of the others."""
    others = 0
    for part in found:
        is_worse = {"watch", "drift"} & {*part.states}
        others += not is_worse
        if is_worse or others <= LISTED:
            yield part


def _chances(sums: Array, reference: Array, margin: float) -> Array:
    """One-sided p-values of the windows that the loss grew by at most ``margin``.

    The variance is the larger one of Welch's and Student's test: a small test set without large
    losses has a mean and a spread that are both too small.
    """
    rows, mean, spread = _moments(sums)
    others, before, spread_before = reference
    with np.errstate(divide="ignore", invalid="ignore"):
        welch = spread**2 / rows + spread_before**2 / others
        pooled = (rows * spread**2 + others * spread_before**2) / (rows + others)
        deviation = np.sqrt(np.maximum(welch, pooled * (1 / rows + 1 / others)))
        excess = (mean - before - margin) / np.maximum(deviation, 1e-12)
    return np.where(rows >= LEAST_SLICE, special.ndtr(-excess), np.nan)


def _moments(sums: Array) -> tuple[Array, Array, Array]:
    """Rows, mean and standard deviation."""
    rows, total, squares = np.moveaxis(sums, -1, 0)
    divisor = np.maximum(rows, 1)
    mean = total / divisor
    return rows, mean, np.sqrt(np.maximum(squares / divisor - mean**2, 0.0))


def _order(part: Slice) -> tuple[int, float]:
    _, mean, _ = _moments(part.now)
    state = {"drift": 0, "watch": 1}.get(last(part.states), 2)
    return state, float(part.reference[1] - mean)
