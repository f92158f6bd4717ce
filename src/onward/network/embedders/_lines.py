"""Piecewise linear functions as an exported file computes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn

SEARCH = "ai.onnx.ml::TreeEnsembleRegressor"
VERSION = 4  # of its domain, as in `onward.preprocessing.graph`
NODES = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
LEAVES = ("treeids", "nodeids", "ids", "weights")


@dataclass(frozen=True)
class Function:
    """A piecewise linear function, constant outside of the outer edges."""

    edges: Float64[Tensor, " edges"]
    """Ascending."""
    values: Float64[Tensor, "edges width"]
    """At the edges."""
    slopes: Float64[Tensor, "lines width"]
    """Below the first edge, between the edges, and above the last one."""


class Lines(nn.Module):
    """The values of functions, one for each of some features. Only the exporter can run it.

    A tree of comparisons finds the line of a number; comparing with all edges takes longer, for
    many rows three times as long.

    Args:
        functions: of the features.
        features: their indices.
    """

    def __init__(self, functions: Sequence[Function], features: Int64[Tensor, " features"]) -> None:
        super().__init__()
        # each line begins at its left edge, the one below all edges at the first
        left = [torch.cat([f.edges[:1], f.edges]) for f in functions]
        values = [torch.cat([f.values[:1], f.values]) for f in functions]
        self.left = nn.Buffer(torch.cat(left).float()[:, None])
        self.values = nn.Buffer(torch.cat(values).float())
        self.slopes = nn.Buffer(torch.cat([f.slopes for f in functions]).float())
        self.features = nn.Buffer(features[:, None])
        self._trees = _trees([f.edges.tolist() for f in functions], features.tolist())

    def forward(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows functions width"]:
        """The values of the functions."""
        shape = (x.shape[0], len(self.features))
        symbolic = torch.onnx.ops.symbolic
        number = symbolic(SEARCH, [x], self._trees, dtype=x.dtype, shape=shape, version=VERSION)
        line = number.long()
        position = symbolic(
            "Gather", [x, self.features], {"axis": 1}, dtype=x.dtype, shape=(*shape, 1)
        )
        step = position - nn.functional.embedding(line, self.left)
        slope = nn.functional.embedding(line, self.slopes)
        return nn.functional.embedding(line, self.values) + slope * step


def _trees(edges: Sequence[Sequence[float]], features: Sequence[int]) -> dict[str, Any]:
    """Attributes of `SEARCH`: the line of each number, counted over all functions."""
    nodes: list[tuple[Any, ...]] = []
    leaves: list[tuple[Any, ...]] = []
    for tree, (thresholds, feature) in enumerate(zip(edges, features, strict=True)):
        # the node `edge` compares with that edge; behind them are the leaves, one for each line
        count, first = len(thresholds), len(leaves)
        todo = [(0, count)]
        while todo:
            low, high = todo.pop()  # lines
            edge = (low + high) // 2
            halves = (low, edge), (edge + 1, high)
            ways = [sum(half) // 2 if half[0] < half[1] else count + half[0] for half in halves]
            nodes.append((tree, edge, feature, thresholds[edge], "BRANCH_LT", *ways))
            todo += [half for half in halves if half[0] < half[1]]
        nodes += [(tree, count + line, 0, 0.0, "LEAF", 0, 0) for line in range(count + 1)]
        leaves += [(tree, count + line, tree, float(first + line)) for line in range(count + 1)]
    columns = [zip(*nodes, strict=True), zip(*leaves, strict=True)]
    names = [[f"nodes_{name}" for name in NODES], [f"target_{name}" for name in LEAVES]]
    attributes: dict[str, Any] = {"n_targets": len(edges)}
    for some, values in zip(names, columns, strict=True):
        attributes |= dict(zip(some, map(list, values), strict=True))
    return attributes
