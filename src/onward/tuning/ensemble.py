"""Greedy selection of an ensemble from the trainings of a search."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from onward.network.heads import Head
from onward.training.batches import Rows
from onward.training.block_losses import block_losses_of_scores, mean_and_radius
from onward.training.column_selection import LEAST_ROWS
from onward.training.folds import folds
from onward.tuning.sampler import Result
from onward.tuning.score_files import ScoreFiles
from onward.tuning.search import rank

CANDIDATES = 12  # trainings, the best ones
ROUNDS = 12  # of the selection, and so the largest sum of the counts
SHARE = 0.9  # of the gain of the best ensemble, for which one with fewer networks is preferred
FOLDS = 5  # of the validation rows, for the comparison with the best training


@dataclass(frozen=True)
class Counted:
    """A training, and how often it counts in the mean of the predictions."""

    result: Result
    count: int


@dataclass(frozen=True)
class Gain:
    """The validation loss of the best training minus that of an ensemble, with its interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Ensemble:
    """The best ensemble that was found, and whether it is worth its cost."""

    members: Sequence[Counted] = ()
    rows: int = 0
    """Of the validation, that the losses are of."""
    loss: float = math.nan
    """With the counts chosen on these rows."""
    single: float = math.nan
    """The loss of the best training."""
    gain: Gain = Gain(math.nan, math.nan, math.nan)
    """Out of fold."""
    refusal: str = ""
    """Why the best training is preferred; empty if it is not."""


@dataclass(frozen=True)
class Library:
    """Trainings to choose from, the best first, with their scores of the same rows."""

    results: Sequence[Result]
    scores: Tensor
    """``(trainings, rows, width)``."""
    head: Head
    rows: Rows

    @classmethod
    def of(cls, results: Sequence[Result], files: ScoreFiles) -> "Library":
        """The best trainings with different settings.

        Raises:
            ArtifactError: if the scores of one of them are lost.
        """
        finished = [one for one in results if math.isfinite(one.loss)]
        best = _different(sorted(finished, key=rank))[:CANDIDATES]
        scores = [files.load(one.training) for one in best]
        return cls(best, torch.stack(scores) if best else torch.empty(0), files.head, files.rows)

    def between(self, indices: Tensor) -> "Library":
        """The same trainings on some of the rows."""
        rows = self.rows.take(indices)
        return Library(self.results, self.scores[:, indices], self.head, rows)

    def mean(self, chosen: Sequence[int]) -> Tensor:
        """The scores of the mean prediction of these trainings, ``(rows, width)``."""
        scores = self.scores[list(chosen)].transpose(0, 1)
        return self.head.together(scores) if len(chosen) > 1 else scores[:, 0]

    def loss(self, chosen: Sequence[int]) -> float:
        """The loss of the mean prediction of these trainings."""
        return self.head.loss(self.mean(chosen), self.rows.targets, self.rows.weights).item()


def _different(results: Sequence[Result]) -> list[Result]:
    """The first training of each settings; the others would be the same network again."""
    settings = [(one.training.epochs, one.training.values) for one in results]
    return [one for index, one in enumerate(results) if settings.index(settings[index]) == index]


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
    library: Library, most: int, is_fast: Callable[[Sequence[Counted]], bool]
) -> Ensemble:
    """An ensemble with a low loss that is fast enough, compared with the best training.

    Each network costs a training and time for each row. So of ensembles with about the same loss
    the one with the fewest networks is the best.

    Args:
        library: of trainings.
        most: networks in an ensemble.
        is_fast: whether an ensemble predicts fast enough.
    """
    if len(library.rows) < LEAST_ROWS:
        return Ensemble(refusal=f"{len(library.rows)} validation rows are too few to compare")
    sizes = range(2, most + 1) if len(library.results) > 1 else ()
    several = [chosen for size in sizes if len({*(chosen := select(library, size))}) > 1]
    if not several:
        return Ensemble(refusal="no mean of several trainings has a lower validation loss")
    fast = [chosen for chosen in several if is_fast(_counted(library, chosen))]
    if not fast:
        return Ensemble(refusal="each one takes too long for one row")
    single, lowest = library.loss([0]), min(map(library.loss, fast))
    enough = single - SHARE * (single - lowest)
    return _compared(library, next(chosen for chosen in fast if library.loss(chosen) <= enough))


def _counted(library: Library, chosen: Sequence[int]) -> list[Counted]:
    """The chosen trainings with their counts, the most important first."""
    counts = {index: chosen.count(index) for index in sorted({*chosen})}
    shared = math.gcd(*counts.values())
    ordered = sorted(counts, key=lambda index: (-counts[index], index))
    return [Counted(library.results[index], counts[index] // shared) for index in ordered]


def _compared(library: Library, chosen: Sequence[int]) -> Ensemble:
    """The ensemble with its gain over the best training.

    Rows flatter what they have chosen, counts as well as the best training. So the rows of each
    fold are predicted with the counts, and by the training, that the other folds choose.
    """
    pair = [_out_of_fold(library, most) for most in (1, len({*chosen}))]
    single, mean = (block_losses_of_scores(library.head, part, library.rows) for part in pair)
    value, radius = mean_and_radius(single - mean)
    gain = Gain(value, value - radius, value + radius)
    refusal = "" if gain.lower > 0 else "the gain may be noise"
    losses = library.loss(chosen), library.loss([0])
    return Ensemble(_counted(library, chosen), len(library.rows), *losses, gain, refusal)


def _out_of_fold(library: Library, most: int) -> Tensor:
    """The scores of the mean prediction, chosen by the other folds, ``(rows, width)``."""
    fold_of = folds(library.rows.targets, FOLDS, seed=0)
    scores = torch.empty_like(library.scores[0])
    for fold in range(FOLDS):
        known, left = ((fold_of != fold).nonzero()[:, 0], (fold_of == fold).nonzero()[:, 0])
        scores[left] = library.between(left).mean(select(library.between(known), most))
    return scores
