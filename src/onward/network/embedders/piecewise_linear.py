"""Piecewise-linear encoding (Gorishniy et al. 2022, "On Embeddings for Numerical Features")."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from onward.blocks import Block
from onward.network.embedders._base import Adopted, Embedder
from onward.network.embedders._bins import bin_edges
from onward.settings.search_space import Interval, Ranges


class PiecewiseLinear(Embedder):
    """The fraction of each bin that is below the number, such as 1, 1, 0.4, 0, 0.

    The edges of the bins are quantiles of the training rows (section 3.2.1 of the paper). A number
    with few distinct values, such as a flag, gets few bins.

    Differs: a value that fills a whole bin counts once, so more bins remain for other values; the
    outer bins do not extrapolate. The search space is that of ``piecewise_linear_embedding``.
    """

    class Config(Embedder.Config):
        """``bins`` is the maximum number of bins per number."""

        type: Literal["piecewise_linear"] = "piecewise_linear"
        bins: int = Field(48, ge=2, le=1024)

    search_space: ClassVar[Ranges] = {"bins": Interval(low=2, high=128)}

    def __init__(self, config: Config, block: Block, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.widths, width = widths, sum(widths)
        self.owner = nn.Buffer(torch.zeros(width, dtype=torch.int64))
        self.left, self.slope = nn.Buffer(torch.zeros(width)), nn.Buffer(torch.zeros(width))
        self.lowest, self.highest = nn.Buffer(torch.zeros(width)), nn.Buffer(torch.ones(width))

    @classmethod
    def fit(
        cls, config: Config, block: Block, features: Float[Tensor, "rows features"]
    ) -> "PiecewiseLinear":
        """Learn the edges of the bins."""
        edges = bin_edges(features, config.bins)
        counts = torch.tensor([len(edge) - 1 for edge in edges], dtype=torch.int64)
        embedder = cls(config, block, tuple(counts.tolist()))
        embedder.owner.copy_(torch.arange(len(edges)).repeat_interleave(counts))
        embedder.left.copy_(torch.cat([edge[:-1] for edge in edges]))
        embedder.slope.copy_(1 / torch.cat([edge.diff() for edge in edges]))
        return embedder

    def adopt(self, trained: "PiecewiseLinear", sources: Sequence[int | None]) -> Adopted:
        """The bins of each number."""
        for name in ("left", "slope", "lowest", "highest"):
            old = torch.split(trained.get_buffer(name), list(trained.widths))
            new = torch.split(self.get_buffer(name), list(self.widths))
            bins = [new[i] if s is None else old[s] for i, s in enumerate(sources)]
            self.register_buffer(name, torch.cat(bins))
        widths = [len(part) for part in bins]
        self.widths = tuple(widths)
        self.owner = nn.Buffer(torch.arange(len(widths)).repeat_interleave(torch.tensor(widths)))
        return Adopted(self, tuple(sources))

    def forward(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows width"]:
        """Encode the rows."""
        spread = x.index_select(1, self.owner)  # (rows, width)
        return ((spread - self.left) * self.slope).clamp(self.lowest, self.highest)
