"""Bins of a number: their edges, and how far a value has come through them."""

import torch
from torch import Tensor

SAMPLE = 100_000  # rows; more do not move the quantiles, and torch.quantile refuses 16 M values


def bin_edges(features: Tensor, bins: int) -> list[Tensor]:
    """For each of the features ``(rows, features)`` the edges of up to so many bins.

    The edges are quantiles; a number with few distinct values, such as a flag, gets as few bins.
    A value that fills a bin alone is counted once, which leaves the other bins to the others.
    """
    sample = features[:: max(1, len(features) // SAMPLE)].double()
    return [_edges(column, bins) for column in sample.unbind(1)]


def _edges(values: Tensor, bins: int) -> Tensor:
    edges = torch.unique(_quantiles(values, bins).float().double())
    apart = (edges[-1] - edges[0]) * 1e-4  # a narrower bin is a step that float32 cannot follow
    kept = [edges[0]]
    for edge in edges[1:]:
        if edge - kept[-1] > apart:
            kept.append(edge)
    if len(kept) == 1:  # a constant: one bin, in which it stays at 0
        kept.append(kept[0] + 1)
    return torch.stack(kept)


def _quantiles(values: Tensor, bins: int) -> Tensor:
    """Edges of equally full bins, where a value that fills a bin alone is counted once.

    Else the zeros of an amount that is mostly zero would leave one bin for all that is not.
    """
    distinct, counts = torch.unique(values, return_counts=True)
    is_heavy = counts > len(values) / bins
    heavy = distinct[is_heavy]
    light = values[~torch.isin(values, heavy)]
    levels = torch.linspace(0, 1, max(2, bins + 1 - len(heavy)), dtype=torch.float64)
    return torch.cat([heavy, torch.quantile(light, levels)]) if len(light) else heavy
