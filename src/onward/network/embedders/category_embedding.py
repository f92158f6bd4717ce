"""Categories as learned vectors."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from onward.blocks import CATEGORICAL, Block
from onward.network.embedders._base import Adopted, Embedder, Reader
from onward.network.embedders._joined_table import JoinedTable

WIDEST = 64  # numbers; wider embeddings of a category only cost memory


class CategoryEmbedding(Embedder):
    """One vector per category of each column; unknown and missing values start at 0."""

    class Config(Embedder.Config):
        """No settings."""

        type: Literal["category_embedding"] = "category_embedding"

    reads = CATEGORICAL

    def __init__(self, config: Config, block: Block, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.widths = widths
        for index, size in enumerate(block.cardinalities):
            embedding = nn.Embedding(size, widths[index])
            with torch.no_grad():  # if no training row has them, they stay in the middle
                embedding.weight[:2] = 0
            self.add_module(str(index), embedding)

    @classmethod
    def fit(
        cls, config: Config, block: Block, features: Int64[Tensor, "rows features"]
    ) -> "CategoryEmbedding":
        """Nothing to fit before training."""
        return cls(config, block, tuple(map(embedding_width, block.cardinalities)))

    def adopt(self, trained: "CategoryEmbedding", sources: Sequence[int | None]) -> Adopted:
        """The vectors of each column; those of new categories are the mean of the known ones."""
        widths = list(self.widths)
        for index, source in enumerate(sources):
            if source is not None:
                size = len(self.get_parameter(f"{index}.weight"))
                vectors = trained.get_parameter(f"{source}.weight").detach()
                self.add_module(str(index), _extended(vectors, size))
                widths[index] = trained.widths[source]
        self.widths = tuple(widths)
        return Adopted(self, tuple(sources))

    def forward(self, x: Int64[Tensor, "rows features"]) -> Float[Tensor, "rows width"]:
        """Embed the rows."""
        return torch.cat(self.parts(x), 1)

    def parts(self, x: Int64[Tensor, "rows features"]) -> list[Tensor]:
        """The vectors of each category."""
        return [embed(code) for embed, code in zip(self.children(), x.unbind(1), strict=True)]

    def for_export(self) -> Reader:
        """One table of all columns."""
        return JoinedTable([table.detach() for table in self.parameters()])


def _extended(vectors: Float[Tensor, "known width"], size: int) -> nn.Embedding:
    """An embedding of more codes; the first two are no categories, see `Categorical`.

    New categories have the mean of the known ones, or random vectors if none is known.
    """
    known = len(vectors)
    embedding = nn.Embedding(size, vectors.shape[1])
    with torch.no_grad():
        embedding.weight[:known] = vectors
        if known > 2:
            embedding.weight[known:] = vectors[2:].mean(0)
    return embedding


def embedding_width(cardinality: int) -> int:
    """The embedding width for a column with ``cardinality`` codes.

    Source: the rule of the fastai library, ``1.6 * cardinality ** 0.56``, found empirically.

    Example:
        >>> embedding_width(4), embedding_width(100), embedding_width(1_000_000)
        (3, 21, 64)
    """
    return min(WIDEST, round(1.6 * math.pow(cardinality, 0.56)))
