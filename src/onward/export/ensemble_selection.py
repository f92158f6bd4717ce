"""Keeping few members of an ensemble, for a file that is small and answers fast."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from onward.network.heads import Head
from onward.network.network import Network
from onward.training.batches import Rows

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


def reduce(network: Network, k: int, rows: Rows) -> Reduction:
    """Keep those ``k`` members that together predict the validation rows well, and calibrate.

    They are chosen one after the other, each for what it adds to those before. Training only
    ``k`` members takes less time and may do as well; this is for a network that is there.

    Source: Caruana et al. 2004, "Ensemble Selection from Libraries of Models", section 2.
    Differs: no member is chosen twice.
    """
    head = network.head
    with torch.no_grad():
        scores = torch.cat([_scores(network, rows.between(at, at + ROWS)) for at in _starts(rows)])
        kept = sorted(_chosen(head, k, scores, rows))
        network.model.keep(kept)
        head.calibrate(head.together(scores[:, kept]), rows.targets, rows.weights)
    return Reduction(
        trained=scores.shape[1],
        kept=kept,
        loss_of_all=_loss(head, scores, rows),
        loss=_loss(head, scores[:, kept], rows),
    )


def _starts(rows: Rows) -> range:
    return range(0, len(rows), ROWS)


def _scores(network: Network, rows: Rows) -> Tensor:
    return network.member_scores(rows.numerical, rows.categorical)


def _chosen(head: Head, k: int, scores: Tensor, rows: Rows) -> Sequence[int]:
    some = torch.arange(0, len(rows), -(-len(rows) // CHOOSING))
    scores, rows = scores[some], rows.take(some)
    chosen: list[int] = []
    left = set(range(scores.shape[1]))
    while len(chosen) < k:
        losses = {one: _loss(head, scores[:, [*chosen, one]], rows) for one in sorted(left)}
        best = min(losses, key=losses.__getitem__)
        chosen.append(best)
        left.remove(best)
    return chosen


def _loss(head: Head, scores: Tensor, rows: Rows) -> float:
    return head.loss(head.together(scores), rows.targets, rows.weights).item()
