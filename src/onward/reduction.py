"""Keeping few members of an ensemble, for a file that is small and answers fast."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from onward.heads import Head
from onward.network import Network

ROWS = 2048  # scored at once; an ensemble needs memory for each member
CHOOSING = 20_000  # rows that the choice is made by; more seldom change it


@dataclass(frozen=True)
class Reduction:
    """What it costs to keep few members."""

    trained: int
    kept: list[int]
    loss_of_all: float
    """On the validation rows, like the next one."""
    loss: float


def reduce(
    network: Network, k: int, numerical: Tensor, categorical: Tensor, targets: Tensor
) -> Reduction:
    """Keep those ``k`` members that together predict the validation rows well, and calibrate.

    They are chosen one after the other, each for what it adds to those before. Training only
    ``k`` members takes less time and may do as well; this is for a network that is there.

    Source: Caruana et al. 2004, "Ensemble Selection from Libraries of Models", section 2.
    Differs: no member is chosen twice.
    """
    head = network.head
    with torch.no_grad():
        batches = zip(torch.split(numerical, ROWS), torch.split(categorical, ROWS), strict=True)
        scores = torch.cat([network.member_scores(*batch) for batch in batches])
        step = -(-len(scores) // CHOOSING)
        kept = sorted(_chosen(head, k, scores[::step], targets[::step]))
        network.model.keep(kept)
        together = head.together(scores[:, kept])
        head.calibrate(together, targets)
    return Reduction(
        trained=scores.shape[1],
        kept=kept,
        loss_of_all=_loss(head, scores, targets),
        loss=_loss(head, scores[:, kept], targets),
    )


def _chosen(head: Head, k: int, scores: Tensor, targets: Tensor) -> Sequence[int]:
    chosen: list[int] = []
    left = set(range(scores.shape[1]))
    while len(chosen) < k:
        losses = {one: _loss(head, scores[:, [*chosen, one]], targets) for one in sorted(left)}
        best = min(losses, key=losses.__getitem__)
        chosen.append(best)
        left.remove(best)
    return chosen


def _loss(head: Head, scores: Tensor, targets: Tensor) -> float:
    return head.loss(head.together(scores), targets).item()
