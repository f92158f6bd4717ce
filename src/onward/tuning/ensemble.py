"""Greedy selection of an ensemble from the trainings of a search."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from onward.tuning.comparison import Choose, Gain, gain
from onward.tuning.library import Library
from onward.tuning.results import Result

ROUNDS = 12  # of the selection, and so the largest sum of the counts
SHARE = 0.9  # of the gain of the best ensemble, for which one with fewer networks is preferred


@dataclass(frozen=True)
class Counted:
    """A training, and how often it counts in the mean of the predictions."""

    result: Result
    count: int


@dataclass(frozen=True)
class Ensemble:
    """The best ensemble that was found, and whether it is worth its cost."""

    members: Sequence[Counted] = ()
    rows: int = 0
    """Of the validation, that the losses are of."""
    loss: float = math.nan
    """With the counts chosen on these rows."""
    single: float = math.nan
    """The loss of the single network."""
    gain: Gain | None = None
    """Of the ensemble over the single network; None if not compared."""
    refusal: str = ""
    """Why a single network is preferred; empty if it is not."""


def select(library: Library, most: int) -> list[int]:
    """Choose trainings whose mean prediction has the lowest loss, with replacement.

    The first is the best training. Each further one is that with which the mean of all chosen has
    the lowest loss, whether it was chosen before or not; those after the lowest loss of all are
    left out.

    Source: Caruana et al. 2004, "Ensemble Selection from Libraries of Models", section 2.1.

    Args:
        library: of trainings.
        most: different trainings.
    """
    chosen: list[int] = []
    losses: list[float] = []
    while len(chosen) < ROUNDS:
        allowed = {*chosen} if len({*chosen}) == most else {*range(len(library.results))}
        found = {index: library.loss([*chosen, index]) for index in sorted(allowed)}
        chosen.append(min(found, key=found.__getitem__))
        losses.append(found[chosen[-1]])
    return chosen[: losses.index(min(losses)) + 1]


def best_ensemble(
    library: Library, most: int, is_fast: Callable[[Sequence[Counted]], bool], alone: Choose
) -> Ensemble:
    """An ensemble with a low loss that is fast enough, compared with a single network.

    Each network costs a training and time for each row. So of ensembles with about the same loss
    the one with the fewest networks is the best.

    Args:
        library: of trainings.
        most: networks in an ensemble.
        is_fast: whether an ensemble predicts fast enough.
        alone: chooses the single network that is the alternative.
    """
    sizes = range(2, most + 1) if len(library.results) > 1 else ()
    several = [chosen for size in sizes if len({*(chosen := select(library, size))}) > 1]
    if not several:
        return Ensemble(refusal="no mean of several trainings has a lower validation loss")
    fast = [chosen for chosen in several if is_fast(_counted(library, chosen))]
    if not fast:
        return Ensemble(refusal="each one takes too long for one row")
    single, lowest = library.loss([0]), min(map(library.loss, fast))
    enough = single - SHARE * (single - lowest)
    few = next(chosen for chosen in fast if library.loss(chosen) <= enough)
    return _compared(library, few, alone)


def _counted(library: Library, chosen: Sequence[int]) -> list[Counted]:
    """The chosen trainings with their counts, the most important first."""
    counts = {index: chosen.count(index) for index in sorted({*chosen})}
    shared = math.gcd(*counts.values())
    ordered = sorted(counts, key=lambda index: (-counts[index], index))
    return [Counted(library.results[index], counts[index] // shared) for index in ordered]


def _compared(library: Library, chosen: Sequence[int], alone: Choose) -> Ensemble:
    """The ensemble with its gain over a single network."""
    gained = gain(library, alone, partial(select, most=len({*chosen})))
    reason = "the gain may be noise" if gained.value > 0 else "out of fold there is no gain"
    refusal = "" if gained.lower > 0 else reason
    losses = library.loss(chosen), library.loss(alone(library))
    return Ensemble(_counted(library, chosen), len(library.rows), *losses, gained, refusal)
