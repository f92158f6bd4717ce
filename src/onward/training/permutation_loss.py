"""Permutation importance of columns by the loss of a network, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from onward.network.scoring import Scoring
from onward.training.batches import Rows
from onward.training.block_losses import block_losses, mean_and_radius

REPEATS = 5
PASSES = 4_000_000  # rows through the network, in total: some 30 s; wide tables get fewer rows
LEAST_ROWS = 500


@dataclass(frozen=True)
class Relevance:
    """The increase of the loss when one column is shuffled."""

    column: str
    value: float
    lower: float
    upper: float
    """The intervals of all columns together hold what they should with a chance of 95 %."""

    @property
    def is_above_noise(self) -> bool:
        """Whether the interval is above 0."""
        return self.lower > 0


def relevance(network: Scoring, rows: Rows, seed: int, repeats: int = REPEATS) -> list[Relevance]:
    """Permutation importance of each column by the loss, the largest first.

    All features of a column take the values of another row together. Losses are compared in pairs,
    in blocks of rows, so the difficulty of rows cancels out. The intervals are Bonferroni-corrected
    for the number of columns.

    Source: Breiman 2001, "Random Forests", section 10; Dunn 1961, "Multiple Comparisons among
    Means".

    Args:
        network: trained.
        rows: held-out rows.
        seed: of the shuffling.
        repeats: how often the values of each column are.
    """
    draw = torch.Generator().manual_seed(seed)
    blocks = network.shape.blocks
    columns = blocks.columns
    most = max(LEAST_ROWS, PASSES // (repeats * max(1, len(columns))))
    chosen = torch.randperm(len(rows), generator=draw)[:most].sort().values
    rows = rows.take(chosen)
    before = block_losses(network, rows)
    relevances = []
    for column in columns:
        indices = blocks.indices([column])
        after = []
        for _ in range(repeats):
            order = torch.randperm(len(rows), generator=draw)
            after.append(block_losses(network, _shuffle(rows, indices, order)))
        lost = torch.stack(after).mean(0) - before
        mean, radius = mean_and_radius(lost, comparisons=len(columns))
        relevances.append(Relevance(column, mean, mean - radius, mean + radius))
    return sorted(relevances, key=lambda relation: relation.value, reverse=True)


def _shuffle(rows: Rows, indices: Mapping[str, list[int]], order: Tensor) -> Rows:
    """The rows with these features of each block shuffled."""
    features = dict(rows.features)
    for block, features_of_block in indices.items():
        features[block] = rows.features[block].clone()
        features[block][:, features_of_block] = rows.features[block][order][:, features_of_block]
    return replace(rows, features=features)
