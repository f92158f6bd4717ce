"""Piecewise-linear embeddings of numbers."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from onward.blocks import Block
from onward.network.embedders._base import Adopted, Embedder, Reader
from onward.network.embedders._bins import bin_edges
from onward.network.embedders._lines import Function, Lines
from onward.settings.search_space import Interval, Ranges


class PiecewiseLinearEmbedding(Embedder):
    """A linear map of each number and its piecewise-linear encoding, one map per number.

    It is initialized as a linear map of the number alone. Numbers with two values, such as flags,
    are not embedded; they come before the others.

    Source: Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning",
    section 3.2; initialization as in Gorishniy et al. 2025, "TabM", appendix D; search space as in
    the tuning configs of its authors' code.
    Differs: the bins are those of ``piecewise_linear``; outside the training range neither they
    nor the linear map extrapolate.
    """

    class Config(Embedder.Config):
        """``bins`` is the maximum number of bins per number, ``width`` the size of its vector."""

        type: Literal["piecewise_linear_embedding"] = "piecewise_linear_embedding"
        bins: int = Field(48, ge=2, le=1024)
        width: int = Field(16, ge=2)

    search_space: ClassVar[Ranges] = {
        "bins": Interval(low=2, high=128),
        "width": Interval(low=8, high=32, step=4),
    }

    def __init__(self, config: Config, block: Block, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.widths = widths
        bent = sum(width > 1 for width in widths)
        self.plain = nn.Buffer(torch.zeros(len(widths) - bent, dtype=torch.int64))
        self.bent = nn.Buffer(torch.zeros(bent, dtype=torch.int64))
        size = (bent, 1, config.bins + 1)  # the first is the number itself
        self.left, self.slope = nn.Buffer(torch.zeros(size)), nn.Buffer(torch.zeros(size))
        self.lowest, self.highest = nn.Buffer(torch.zeros(size)), nn.Buffer(torch.ones(size))
        bound = config.width**-0.5
        weight = torch.zeros(bent, config.bins + 1, config.width)
        weight[:, 0].uniform_(-bound, bound)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.empty(bent, 1, config.width).uniform_(-bound, bound))

    @classmethod
    def fit(
        cls, config: Config, block: Block, features: Float[Tensor, "rows features"]
    ) -> "PiecewiseLinearEmbedding":
        """Learn the edges of the bins."""
        all_edges = list(enumerate(bin_edges(features, config.bins)))
        plain = [feature for feature, edges in all_edges if len(edges) == 2]
        bent = [(feature, edges) for feature, edges in all_edges if len(edges) > 2]
        embedder = cls(config, block, (1,) * len(plain) + (config.width,) * len(bent))
        embedder.plain.copy_(torch.tensor(plain, dtype=torch.int64))
        embedder.bent.copy_(torch.tensor([feature for feature, _ in bent], dtype=torch.int64))
        embedder.slope[:, 0, 0] = 1
        for feature, (_, edges) in enumerate(bent):
            last = len(edges) - 1
            embedder.left[feature, 0, 1 : last + 1] = edges[:-1]
            embedder.slope[feature, 0, 1 : last + 1] = 1 / edges.diff()
            embedder.lowest[feature, 0, 0], embedder.highest[feature, 0, 0] = edges[0], edges[-1]
        return embedder

    def adopt(self, trained: "PiecewiseLinearEmbedding", sources: Sequence[int | None]) -> Adopted:
        """The bins and weights of each number."""
        old, new = _rows_of_bent(trained), _rows_of_bent(self)
        is_bent = [f in new if s is None else s in old for f, s in enumerate(sources)]
        bent = [feature for feature, bends in enumerate(is_bent) if bends]
        plain = [feature for feature, bends in enumerate(is_bent) if not bends]
        for name, own in {**dict(self.named_buffers()), **dict(self.named_parameters())}.items():
            if name not in ("plain", "bent"):
                theirs = getattr(trained, name)
                parts = [own[new[f]] if (s := sources[f]) is None else theirs[old[s]] for f in bent]
                own.data = torch.stack(parts).detach() if parts else own.detach()[:0]
        self.plain, self.bent = (
            nn.Buffer(torch.tensor(f, dtype=torch.int64)) for f in (plain, bent)
        )
        self.widths = (1,) * len(plain) + (self.weight.shape[2],) * len(bent)
        index = {f: i for i, f in enumerate([*trained.plain.tolist(), *trained.bent.tolist()])}
        adopted = (None if (s := sources[f]) is None else index[s] for f in (*plain, *bent))
        return Adopted(self, tuple(adopted))

    def for_export(self) -> Reader:
        """The numbers that are not embedded, and the others as lines."""
        is_bounded = bool(self.lowest.isfinite().all())  # not so in version 0.1.0
        return _Tables(self) if len(self.bent) and is_bounded else self

    def forward(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows width"]:
        """Embed the rows."""
        plain = x.index_select(1, self.plain)
        if not len(self.bent):
            return plain
        spread = x.index_select(1, self.bent).T[:, :, None]  # (features, rows, 1)
        encoded = ((spread - self.left) * self.slope).clamp(self.lowest, self.highest)
        y = torch.baddbmm(self.bias, encoded, self.weight)  # (features, rows, width)
        embedded = y.transpose(0, 1).flatten(1)
        return torch.cat([plain, embedded], 1) if len(self.plain) else embedded


def _rows_of_bent(embedder: PiecewiseLinearEmbedding) -> dict[int, int]:
    """For each number with bins its row in the weights."""
    return {feature: row for row, feature in enumerate(embedder.bent.tolist())}


class _Tables(Reader):
    """A trained embedding, in which the linear maps of all bins below are added up beforehand."""

    def __init__(self, embedding: PiecewiseLinearEmbedding) -> None:
        super().__init__()
        self.plain, bent = embedding.plain, embedding.bent
        self.lines = Lines([_function(embedding, index) for index in range(len(bent))], bent)

    def parts(self, x: Float[Tensor, "rows features"]) -> list[Tensor]:
        """As the embedding has them."""
        embedded = self.lines(x).flatten(1)
        return [x.index_select(1, self.plain), embedded] if len(self.plain) else [embedded]


def _function(embedding: PiecewiseLinearEmbedding, index: int) -> Function:
    """The vector of one number, which is constant outside of the outer edges."""
    slope = embedding.slope[index, 0, 1:].double()
    bins = int((slope > 0).sum())  # other numbers may have more
    left, high = embedding.left[index, 0, 1 : bins + 1], embedding.highest[index, 0, :1]
    edges = torch.cat([left, high]).double()
    weight, bias = (part[index].detach().double() for part in (embedding.weight, embedding.bias))
    of_number, of_bins = weight[:1], weight[1 : bins + 1]
    flat = torch.zeros_like(bias)
    values = bias + of_number * edges[:, None] + torch.cat([flat, of_bins.cumsum(0)])
    slopes = of_number + of_bins * slope[:bins, None]
    return Function(edges, values, torch.cat([flat, slopes, flat]))
