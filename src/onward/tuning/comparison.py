"""What a choice among trainings gains, on rows that have not made it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from onward.training.block_losses import block_losses_of_scores, mean_and_radius
from onward.training.folds import folds
from onward.tuning.library import Library

FOLDS = 5  # of the validation rows

Choose = Callable[[Library], Sequence[int]]
"""Chooses trainings, whose mean prediction counts, by the losses on the rows of a library."""


@dataclass(frozen=True)
class Gain:
    """A validation loss minus that of an alternative, out of fold, with its 95 % interval."""

    value: float
    lower: float
    upper: float


def gain(library: Library, usual: Choose, other: Choose) -> Gain:
    """By how much the loss is lower after another choice than after the usual one.

    Rows flatter what they have chosen. So the rows of each fold are predicted by what the other
    folds choose.
    """
    before, after = (
        block_losses_of_scores(library.head, _out_of_fold(library, choose), library.rows)
        for choose in (usual, other)
    )
    value, radius = mean_and_radius(before - after)
    return Gain(value, value - radius, value + radius)


def _out_of_fold(library: Library, choose: Choose) -> Tensor:
    """The scores of each row by what the other folds choose, ``(rows, width)``."""
    fold_of = folds(library.rows.targets, FOLDS, seed=0)
    scores = torch.empty_like(library.scores[0])
    for fold in range(FOLDS):
        known, left = ((fold_of != fold).nonzero()[:, 0], (fold_of == fold).nonzero()[:, 0])
        scores[left] = library.between(left).mean(choose(library.between(known)))
    return scores
