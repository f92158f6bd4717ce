"""Bins of a number: edges and piecewise-linear encoding."""

import torch
from torch import Tensor

SAMPLE = 100_000  # rows; more do not move the quantiles, and torch.quantile refuses 16 M values


def bin_edges(features: Tensor, bins: int) -> list[Tensor]:
    """Bin edges of each feature of ``(rows, features)``, for up to this many bins.

    The edges are quantiles; a number with few distinct values, such as a flag, gets few bins. A
    value that fills a whole bin counts once, so more bins remain for other values.
    """
    sample = features[:: max(1, len(features) // SAMPLE)].double()
    return [_edges(column, bins) for column in sample.unbind(1)]


def _edges(values: Tensor, bins: int) -> Tensor:
    edges = torch.unique(_quantiles(values, bins).float().double())
    apart = (edges[-1] - edges[0]) * 1e-4  # a narrower bin is a step that float32 cannot follow
    distinct_edges = [edges[0]]
    for edge in edges[1:]:
        if edge - distinct_edges[-1] > apart:
            distinct_edges.append(edge)
    if len(distinct_edges) == 1:  # a constant: one bin, in which it stays at 0
        distinct_edges.append(distinct_edges[0] + 1)
    return torch.stack(distinct_edges)


def _quantiles(values: Tensor, bins: int) -> Tensor:
    """Edges of equally full bins, where a value that fills a whole bin counts once.

    Otherwise an amount that is mostly zero would get one bin for all other values.
    """
    distinct, counts = torch.unique(values, return_counts=True)
    is_heavy = counts > len(values) / bins
    heavy = distinct[is_heavy]
    light = values[~torch.isin(values, heavy)]
    levels = torch.linspace(0, 1, max(2, bins + 1 - len(heavy)), dtype=torch.float64)
    return torch.cat([heavy, torch.quantile(light, levels)]) if len(light) else heavy
