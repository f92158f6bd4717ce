"""Select members of an ensemble, for a smaller and faster file."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from onward.errors import ConfigError
from onward.network.heads import Head
from onward.network.network import Network
from onward.training.batches import Rows
from onward.training.scores import compute_scores
from onward.wording import format_number

CHOOSING = 20_000  # rows that the choice is made by; more seldom change it


@dataclass(frozen=True)
class Reduction:
    """The cost of keeping fewer members."""

    trained: int
    kept: list[int]
    loss_of_all: float
    """On the validation rows, like the next one."""
    loss: float

    def __str__(self) -> str:
        return (
            f"{len(self.kept)} of {self.trained} members kept; validation loss"
            f" {format_number(self.loss, 5)},"
            f" with all of them {format_number(self.loss_of_all, 5)}"
        )


def reduce(network: Network, k: int, rows: Rows) -> Reduction:
    """Keep the ``k`` members that together have the lowest validation loss, and calibrate.

    Members are chosen greedily. Training only ``k`` members takes less time and may perform as
    well; this function is for a trained network.

    Source: Caruana et al. 2004, "Ensemble Selection from Libraries of Models", section 2.
    Differs: no member is chosen twice.

    Raises:
        ConfigError: if the network has fewer members.
    """
    head, size = network.head, network.ensemble_size
    if k > size:
        raise ConfigError(
            f"export.k: {k} members cannot be kept, the model has {size}. Choose at most {size}, or"
            " remove `k`"
        )
    with torch.no_grad():
        scores = compute_scores(network, rows, torch.device("cpu"), network.member_scores)
        members = sorted(_choose(head, k, scores, rows))
        network.model.keep(members)
        head.calibrate(head.together(scores[:, members]), rows.targets, rows.weights)
    return Reduction(
        trained=scores.shape[1],
        kept=members,
        loss_of_all=_loss(head, scores, rows),
        loss=_loss(head, scores[:, members], rows),
    )


def _choose(head: Head, k: int, scores: Tensor, rows: Rows) -> Sequence[int]:
    indices = torch.arange(0, len(rows), -(-len(rows) // CHOOSING))
    scores, rows = scores[indices], rows.take(indices)
    chosen: list[int] = []
    left = set(range(scores.shape[1]))
    while len(chosen) < k:
        losses = {
            candidate: _loss(head, scores[:, [*chosen, candidate]], rows)
            for candidate in sorted(left)
        }
        best = min(losses, key=losses.__getitem__)
        chosen.append(best)
        left.remove(best)
    return chosen


def _loss(head: Head, scores: Tensor, rows: Rows) -> float:
    return head.loss(head.together(scores), rows.targets, rows.weights).item()
