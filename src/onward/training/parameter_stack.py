"""The parameters of several networks of one shape, in one tensor with an axis for the networks."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from onward.network.network import Network
from onward.training.flat_parameters import ALIGNED, in_memory_order


class ParameterStack:
    """The parameters of several networks that begin alike.

    In the row of a network, those with weight decay come before those without, each in the order of
    `Flat`: sums over them are the same, then, to the bit.

    Args:
        network: whose parameters all begin with.
        count: of networks.
    """

    def __init__(self, network: Network, count: int) -> None:
        decaying, lasting = map(in_memory_order, network.by_decay())
        self._sizes = [sum(part.numel() for part in group) for group in (decaying, lasting)]
        self._second = -(-self._sizes[0] // ALIGNED) * ALIGNED  # where those without decay begin
        width = -(-(self._second + self._sizes[1]) // ALIGNED) * ALIGNED
        device = next(network.parameters()).device
        self.whole = torch.zeros(count, width, device=device)  # (networks, parameters)
        self.gradient = torch.zeros_like(self.whole)
        names = {part: name for name, part in network.named_parameters()}
        self._places: dict[str, tuple[int, torch.Size]] = {}
        for start, group in ((0, decaying), (self._second, lasting)):
            for part in group:
                self._places[names[part]] = (start, part.shape)
                self._view(self.whole, names[part]).copy_(part.detach())
                start += part.numel()
        self.parts: Mapping[str, nn.Parameter] = {
            name: nn.Parameter(self._view(self.whole, name)) for name in self._places
        }
        """By name, ``(networks, ...)``; they share the memory of the whole."""

    def split(self, whole: Tensor) -> tuple[Tensor, Tensor]:
        """A tensor like the whole, in parameters with weight decay and those without."""
        stop = self._second + self._sizes[1]
        return whole[:, : self._sizes[0]], whole[:, self._second : stop]

    def collect(self) -> None:
        """Move the gradients of the parts into the gradient of the whole."""
        for name, part in self.parts.items():
            if part.grad is not None:
                self._view(self.gradient, name).copy_(part.grad)
        self.forget()

    def forget(self) -> None:
        """Drop gradients that are not collected."""
        for part in self.parts.values():
            part.grad = None

    def _view(self, whole: Tensor, name: str) -> Tensor:
        start, shape = self._places[name]
        return whole[:, start : start + shape.numel()].view(-1, *shape)
