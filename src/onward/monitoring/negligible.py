"""The largest effect that is negligible: days differ, and that is no drift.

Blocks of the training rows show how much rows differ from time to time. But 20 blocks give their
spread with an error of 16 %, and a block of several weeks hides how much its days differ.
Neighbouring windows of the log show it, too. A drift hardly makes them differ, because it lasts.
"""

import math

import numpy as np

from onward.monitoring.effects import BLOCKS, Array, squared_effect

NEGLIGIBLE = 0.1  # w, for all columns
LEARNED = 2.5  # times the spread is negligible as well


def negligible_effect(spread: float) -> float:
    """The largest negligible w of a column with this spread."""
    return max(NEGLIGIBLE, LEARNED * spread)


def negligible_effects(counts: Array, spread: float) -> Array:
    """The largest negligible w of each window, ``(windows,)``.

    The spread is at least that of the blocks of the training rows. It is larger if neighbouring
    windows differ by more, before the two windows that are judged; each of them counts as much as a
    block.

    Args:
        counts: ``(windows, bins)``, in order.
        spread: between blocks of the training rows.
    """
    # the squared effect between two windows has the variance of both
    variances = (squared_effect(counts[1:], counts[:-1]) / 2).tolist()
    limits = [negligible_effect(spread)] * min(len(counts), 3)
    total = 0.0
    for number, variance in enumerate(variances[: len(counts) - 3], start=1):
        # bounded, so that one day of an outage does not make every effect negligible
        total += min(variance, limits[-1] ** 2)
        surplus = max(0.0, total - number * spread**2)
        limits.append(negligible_effect(math.sqrt(spread**2 + surplus / (BLOCKS + number))))
    return np.array(limits)
