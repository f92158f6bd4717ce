"""Optimizer steps that never wait for the host."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from onward.training.batches import Rows
from onward.training.deadline import await_progress
from onward.training.distributed import TIMEOUT, Share
from onward.training.flat_parameters import Flat
from onward.training.loading import Chunk
from onward.training.step_graph import StepGraph


class Descent:
    """One optimizer step per call, with gradient clipping.

    Args:
        optimizer: of the flats, fused; gets its learning rate from here.
        flats: all parameters.
        clip: the largest norm of all gradients together.
        share: of a batch, that this rank has the gradients of.
    """

    def __init__(
        self, optimizer: torch.optim.AdamW, flats: Sequence[Flat], clip: float, share: Share
    ) -> None:
        self._optimizer, self._flats, self._clip, self._share = optimizer, flats, clip, share
        self.rate = torch.zeros((), device=flats[0].whole.device)
        for group in optimizer.param_groups:
            group["lr"] = self.rate

    def __call__(self, loss: Tensor) -> None:
        """Collect the gradients, shorten them and step.

        Args:
            loss: that has them; becomes the mean over all ranks, as they do.
        """
        for flat in self._flats:
            flat.collect()
        gradients = [flat.gradient for flat in self._flats]
        self._share.average([*gradients, loss])
        self._shorten(gradients)
        self._step()

    def forget(self) -> None:
        """Drop gradients of a step that was left half-way."""
        for flat in self._flats:
            flat.forget()

    def _shorten(self, gradients: Sequence[Tensor]) -> None:
        """As `torch.nn.utils.clip_grad_norm_` does, in fewer calls."""
        norm = torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients]))
        factor = (self._clip / (norm + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient *= factor

    def _step(self) -> None:
        """What the optimizer does, without its looks at hooks, groups and devices: 100 µs a step.

        The first step is its own, in which it makes its state, if it did not get one.
        """
        if not self._optimizer.state:
            self._optimizer.step()
            return
        for group in self._optimizer.param_groups:
            self._follow(group)

    @torch.no_grad()
    def _follow(self, group: dict[str, Any]) -> None:
        [whole] = group["params"]
        state = self._optimizer.state[whole]
        state["step"] += 1
        torch._fused_adamw_(
            [whole],
            [whole.grad],
            [state["exp_avg"]],
            [state["exp_avg_sq"]],
            [],
            [state["step"]],
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )


class Stepper(Protocol):
    """Takes one optimizer step per call."""

    rate: Tensor
    """The learning rate of the next step, of the shape of a loss."""

    def __call__(self, loss: Tensor) -> None:
        """Collect the gradients and step."""

    def forget(self) -> None:
        """Drop gradients of a step that was left half-way."""


class Steps:
    """A chunk of optimizer steps at a time.

    All that differs between two steps, which rows, the learning rate, where to note the loss,
    lies in tensors at fixed indices on the device, and each step ends by moving on to the next.
    On CUDA the whole step is therefore one graph, captured once and launched with one call; it
    does elsewhere what it does there.

    Args:
        loss: of a batch.
        descend: what follows when its gradients are there; it has a ``rate``.
        source: the rows that are numbered, on the device, or room there for those of a chunk.
        batch_size: rows of a step, of this rank.
        longest: steps of the longest chunk.
        total: gets the losses added, one at a time: the sum does not depend on the chunks. It has
            the shape of a loss, a number, or one for each of several networks.
    """

    def __init__(
        self,
        loss: Callable[[Rows], Tensor],
        descend: Stepper,
        source: Rows,
        *,
        batch_size: int,
        longest: int,
        total: Tensor,
    ) -> None:
        self._loss, self._descend, self._source, self._total = loss, descend, source, total
        self._device = device = source.targets.device
        self._order = torch.zeros(longest, batch_size, dtype=torch.int64, device=device)
        self._rates = torch.zeros(longest, *total.shape, device=device)
        self._losses = torch.zeros(longest, *total.shape, device=device)
        self._ones = torch.ones_like(total)
        self._index = torch.zeros(1, dtype=torch.int64, device=device)
        self._launch = StepGraph(self._step, descend.forget, device)

    def __call__(
        self, chunk: Chunk, rates: Sequence[float] | Tensor, draws: Sequence[int]
    ) -> Tensor:
        """Take as many steps as there are rates, and return their losses.

        Args:
            chunk: a batch for each step.
            rates: learning rates, in each step of the shape of a loss.
            draws: seeds of what is drawn in each step.
        """
        count, indices = len(rates), chunk.numbers
        if chunk.rows is not None:
            chunk.await_rows()
            self._source.fill(chunk.rows)
            indices = torch.arange(len(indices))
        self._order[:count].copy_(indices.view(count, -1), non_blocking=True)
        self._rates[:count].copy_(torch.as_tensor(rates), non_blocking=True)
        self._index.zero_()
        for draw in draws:
            self._launch(draw)
        return self._losses[:count].clone()

    def await_device(self) -> None:
        """Wait for the steps, but not for ranks that are lost.

        The process ends with the code of `PeerError` where they make no progress.
        """
        done, counter = torch.cuda.Event(), _Counter(self._index)  # type: ignore[no-untyped-call]
        done.record(torch.cuda.current_stream(self._device))
        await_progress(done.query, counter, TIMEOUT.total_seconds())

    def release(self) -> None:
        """Give the memory of the graph back."""
        self._launch.release()

    def _step(self) -> None:
        self._descend.rate.copy_(self._rates.index_select(0, self._index)[0])
        loss = self._loss(self._source.take(self._order.index_select(0, self._index)[0]))
        torch.autograd.backward(loss, self._ones)
        loss = loss.detach()
        self._descend(loss)
        self._losses.index_copy_(0, self._index, loss[None])
        self._total += loss
        self._index += 1


class _Counter:
    """The number of a step, read beside the steps that are under way."""

    def __init__(self, index: Tensor) -> None:
        self._index, self._host = index, torch.zeros(1, dtype=index.dtype, pin_memory=True)
        self._stream = torch.cuda.Stream(index.device)  # type: ignore[no-untyped-call]

    def __call__(self) -> int:
        with torch.cuda.stream(self._stream):
            self._host.copy_(self._index, non_blocking=True)
        self._stream.synchronize()
        return int(self._host)
