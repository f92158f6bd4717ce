"""Vectors of categories as an exported file looks them up."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from onward.network.embedders._base import Reader


class JoinedTable(Reader):
    """The vectors of all categories of all columns in one row of numbers.

    A row of the table needs one lookup, whatever the number of columns. Only the exporter can run
    it.
    """

    def __init__(self, tables: Sequence[Float[Tensor, "_ _"]]) -> None:
        super().__init__()
        widths = torch.tensor([table.shape[1] for table in tables])
        sizes = torch.tensor([table.numel() for table in tables])
        owner = torch.arange(len(tables)).repeat_interleave(widths)
        offset = torch.cat([torch.arange(width) for width in widths.tolist()])
        self.owner, self.width = nn.Buffer(owner), nn.Buffer(widths[owner])
        self.start = nn.Buffer((sizes.cumsum(0) - sizes)[owner] + offset)
        self.numbers = nn.Buffer(torch.cat([table.flatten() for table in tables]))

    def parts(self, x: Int64[Tensor, "rows features"]) -> list[Tensor]:
        """The vectors of the codes, side by side."""
        indices = x.index_select(1, self.owner) * self.width + self.start
        vectors = torch.onnx.ops.symbolic(  # torch's own indexing becomes three operators
            "Gather",
            [self.numbers, indices],
            dtype=self.numbers.dtype,
            shape=indices.shape,
        )
        return [vectors]  # (rows, width)
