"""Functions for several networks at once, inside `torch.vmap`, with the bits of each alone.

PyTorch's own rules round differently: they add biases after products, and take losses apart. On a
CPU a matrix product has the same bits alone and in a batch of products, so that trainings can be
the same to the bit. Otherwise one with a high learning rate soon has other losses, as it has with
inputs that differ in the last digit.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from onward.network.models._dropout import LEVELS, dropped_levels, random_levels

LOGISTIC_LOSS: Callable[..., Tensor] = nn.functional.binary_cross_entropy_with_logits
USUAL = {"size_average": None, "reduce": None, "reduction": "mean", "pos_weight": None}
"""Its settings but for weights, as ours use them."""


class TrialDropout(nn.Module):
    """Dropout in several networks, each with its own ``p``.

    All draw the same bits: those that `Dropout` draws in each.

    Args:
        rates: the ``p`` of each network.
    """

    def __init__(self, rates: Sequence[float]) -> None:
        super().__init__()
        dropped = torch.tensor([dropped_levels(p) for p in rates])
        self.is_idle = not bool(dropped.any())
        self.lowest = nn.Buffer((dropped - LEVELS // 2).to(torch.int16))  # that is kept
        scales = [1 / (1 - p) if dropped_levels(p) else 1.0 for p in rates]
        self.scale = nn.Buffer(torch.tensor(scales))

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Drop some of the inputs."""
        if not self.training or self.is_idle:
            return x
        kept = random_levels(x) >= self.lowest
        return x * (kept.to(x.dtype) * self.scale)


class ExactFunctions(TorchFunctionMode):
    """A context in which functions of several networks have the bits of each alone."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Called in place of each function of PyTorch."""
        if func is nn.functional.linear and len(args) == 3 and args[2] is not None:
            return _Linear.apply(*args)  # type: ignore[no-untyped-call]
        if func is torch.baddbmm and not kwargs:
            return _Baddbmm.apply(*args)  # type: ignore[no-untyped-call]
        arguments = kwargs or {}  # of a function in Python, all that have a default
        if func is LOGISTIC_LOSS and {**arguments, **USUAL} == arguments:
            return _LogisticLoss.apply(*args, arguments["weight"])  # type: ignore[no-untyped-call]
        return func(*args, **arguments)


class _Function(torch.autograd.Function):
    """A function whose rule for `torch.vmap` is ours; autograd follows the calls in the rule."""

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing to keep for a backward pass of our own, as there is none."""


class _Linear(_Function):
    """`torch.nn.functional.linear` with a bias."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """One network."""
        return nn.functional.linear(x, weight, bias)

    @staticmethod
    def vmap(
        info: Any, in_dims: Sequence[int | None], x: Tensor, weight: Tensor, bias: Tensor
    ) -> tuple[Tensor, int]:
        """All networks."""
        count = info.batch_size
        weights, biases = (
            _spread(p, dim, count) for p, dim in zip((weight, bias), in_dims[1:], strict=True)
        )
        inputs = _spread(x, in_dims[0], count)
        if weights.shape[1] == 1:  # alone, this is the product of a matrix and a vector
            one_by_one = zip(inputs, weights, biases, strict=True)
            return torch.stack([nn.functional.linear(*parts) for parts in one_by_one]), 0
        rows = inputs.flatten(1, -2)  # (networks, rows, d_in)
        product = torch.baddbmm(biases[:, None], rows, weights.mT)
        return product.view(*inputs.shape[:-1], -1), 0


class _Baddbmm(_Function):
    """`torch.baddbmm`, which is a batch already: what networks share need not be copied."""

    @staticmethod
    def forward(*parts: Tensor) -> Tensor:
        """One network."""
        return torch.baddbmm(*parts)

    @staticmethod
    def vmap(info: Any, in_dims: Sequence[int | None], *parts: Tensor) -> tuple[Tensor, int]:
        """All networks, one by one."""
        return _one_by_one(torch.baddbmm, info, in_dims, parts)


class _LogisticLoss(_Function):
    """`torch.nn.functional.binary_cross_entropy_with_logits`."""

    @staticmethod
    def forward(*parts: Tensor | None) -> Tensor:
        """One network."""
        return LOGISTIC_LOSS(*parts)

    @staticmethod
    def vmap(info: Any, in_dims: Sequence[int | None], *parts: Tensor | None) -> tuple[Tensor, int]:
        """All networks, one by one."""
        return _one_by_one(LOGISTIC_LOSS, info, in_dims, parts)


def _one_by_one(
    function: Callable[..., Tensor],
    info: Any,
    in_dims: Sequence[int | None],
    parts: Sequence[Tensor | None],
) -> tuple[Tensor, int]:
    count = info.batch_size
    spread = [
        [None] * count if part is None else _spread(part, dim, count)
        for part, dim in zip(parts, in_dims, strict=True)
    ]
    return torch.stack([function(*one) for one in zip(*spread, strict=True)]), 0


def _spread(part: Tensor, dim: int | None, count: int) -> Tensor:
    """With the axis of networks in front, also where all share the part."""
    return part.expand(count, *part.shape) if dim is None else part.movedim(dim, 0)
