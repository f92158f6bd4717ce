"""Parameters in one contiguous tensor."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

ALIGNED = 16  # numbers: 64 bytes, the widest register there is; kernels slow down across them


class Flat:
    """Parameters concatenated in one tensor, of which they become views.

    The optimizer then handles one tensor. On a CPU its overhead for eight tensors, 0.3 ms, exceeds
    the arithmetic of a step.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._parts = in_memory_order(parameters)
        self.whole = nn.Parameter(torch.cat([part.detach().flatten() for part in self._parts]))
        sizes = [part.numel() for part in self._parts]
        views = torch.split(self.whole.detach(), sizes)
        for part, view in zip(self._parts, views, strict=True):
            part.data = view.view_as(part)
        self.whole.grad = torch.zeros_like(self.whole)

    @property
    def gradient(self) -> Tensor:
        """Of the whole, as last collected."""
        assert self.whole.grad is not None
        return self.whole.grad

    def forget(self) -> None:
        """Drop gradients that are not collected."""
        for part in self._parts:
            part.grad = None

    def collect(self) -> None:
        """Move the gradients of the parts into the flat gradient."""
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self._parts]
        torch.cat([gradient.flatten() for gradient in gradients], out=self.gradient)
        self.forget()


def in_memory_order(parameters: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    """The parameters, with those last that would shift others to odd places."""
    return sorted(parameters, key=lambda part: part.numel() % ALIGNED > 0)
