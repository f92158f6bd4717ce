"""Piecewise linear functions as an exported file computes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn

SEARCH = "ai.onnx.ml::TreeEnsembleRegressor"
VERSION = 4  # of its domain, as in `onward.preprocessing.graph`


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
    many rows three times as long. The search gets the edges as inputs here, and
    `onward.export.trees` turns them into attributes: torch's exporter reads the values of
    attributes again and again, which took half of its time.

    Args:
        functions: of the features.
        features: their indices.
    """

    def __init__(self, functions: Sequence[Function], features: Int64[Tensor, " features"]) -> None:
        super().__init__()
        # each line begins at its left edge, the one below all edges at the first
        left = [torch.cat([f.edges[:1], f.edges]) for f in functions]
        values = [torch.cat([f.values[:1], f.values]) for f in functions]
        self.lines = nn.Buffer(torch.tensor([len(edges) for edges in left]))
        self.left = nn.Buffer(torch.cat(left).float()[:, None])
        self.values = nn.Buffer(torch.cat(values).float())
        self.slopes = nn.Buffer(torch.cat([f.slopes for f in functions]).float())
        self.features = nn.Buffer(features[:, None])

    def forward(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows functions width"]:
        """The values of the functions."""
        shape = (x.shape[0], len(self.features))
        symbolic = torch.onnx.ops.symbolic
        search = [x, self.left, self.lines, self.features]
        number = symbolic(SEARCH, search, dtype=x.dtype, shape=shape, version=VERSION)
        line = number.long()
        position = symbolic(
            "Gather", [x, self.features], {"axis": 1}, dtype=x.dtype, shape=(*shape, 1)
        )
        step = position - nn.functional.embedding(line, self.left)
        slope = nn.functional.embedding(line, self.slopes)
        return nn.functional.embedding(line, self.values) + slope * step
