"""Losses of blocks of rows, whose paired differences have a mean and an interval."""

import math
from statistics import NormalDist

import torch
from torch import Tensor

from onward.network.heads import Head
from onward.network.scoring import Scoring
from onward.training.batches import Rows
from onward.training.scores import compute_scores

BLOCKS = 200  # of rows, whose mean losses are compared; a difference has a mean and a spread then
SURE = 0.95  # of an interval


def block_losses(network: Scoring, rows: Rows) -> Tensor:
    """The losses of a network on blocks of rows, see `block_losses_of_scores`."""
    with torch.no_grad():
        scores = compute_scores(network, rows, torch.device("cpu"))
    return block_losses_of_scores(network.head, scores, rows)


def block_losses_of_scores(head: Head, scores: Tensor, rows: Rows) -> Tensor:
    """The losses of blocks of rows, float64; with few rows, each is a block.

    Their mean is the mean over all rows, also if blocks differ in size.

    Args:
        head: of the scores.
        scores: of the rows, ``(rows, width)``.
        rows: on the CPU.
    """
    number = min(BLOCKS, len(rows))
    parts = (scores, rows.targets, *(() if rows.weights is None else (rows.weights,)))
    blocks = zip(*(part.tensor_split(number) for part in parts), strict=True)
    losses = [head.loss(*block).double() * len(block[0]) for block in blocks]
    return torch.stack(losses) * number / len(rows)


def mean_and_radius(differences: Tensor, comparisons: int = 1) -> tuple[float, float]:
    """The mean of paired differences and the half-width of its interval."""
    share = 1 - (1 - SURE) / (2 * comparisons)
    if len(differences) == 1:
        return float(differences), math.inf
    error = differences.std() / len(differences) ** 0.5
    return float(differences.mean()), float(NormalDist().inv_cdf(share) * error)
