"""Distributed training: several processes train one network, each on its own device.

torchrun starts the processes, or Lightning starts one per CUDA device. All ranks take the same
steps and hold the same weights. Each trains on its share of every batch; only rank zero writes.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, distributed

from onward.errors import PeerError
from onward.training.deadline import Deadline, lost_peer

T = TypeVar("T")
TIMEOUT = timedelta(seconds=90)  # of each message between ranks, waiting for the slowest included
NCCL_TIMEOUT = timedelta(seconds=110)  # its watchdog ends the process by a signal; ours is first
DEVICE_WORK = 2**32
"""Multiplications of a forward pass that are worth a device of their own. Estimated, not measured:
a step of that size takes an H100 some 80 µs, as long as averaging gradients with another one."""


@dataclass(frozen=True)
class Layout:
    """The devices and processes of a training."""

    devices: int
    """Of each machine; one rank has one."""
    nodes: int
    """Machines."""

    @property
    def ranks(self) -> int:
        """On all machines."""
        return self.devices * self.nodes


def available() -> Layout:
    """The processes of torchrun, or all CUDA devices of this machine, or its CPU."""
    if TorchElasticEnvironment.detect():
        return Layout(int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["GROUP_WORLD_SIZE"]))
    return Layout(max(1, torch.cuda.device_count()), 1)


_chosen: list[Layout] = []


def layout(multiplications: int) -> Layout:
    """As many of the available devices as the work keeps busy; all that torchrun has started.

    The first training of a process decides for all that follow, such as members of other sizes:
    Lightning's processes start the command anew, and would train and write alone whatever the
    first process has trained on one device.

    Args:
        multiplications: of the forward pass of a batch.
    """
    if TorchElasticEnvironment.detect():
        return available()
    if not _chosen:
        _chosen.append(Layout(worthwhile_devices(available().devices, multiplications), 1))
    return _chosen[0]


def worthwhile_devices(devices: int, multiplications: int) -> int:
    """How many of some devices are to share a batch.

    Example:
        >>> [worthwhile_devices(8, work) for work in (2**20, 2**34, 2**40)]
        [1, 4, 8]
    """
    return max(1, min(devices, multiplications // DEVICE_WORK))


@dataclass(frozen=True)
class Share:
    """The rows of one rank; shares differ by one row at most.

    Example:
        >>> [(share.start, share.stop) for share in (Share(8, rank, 3) for rank in range(3))]
        [(0, 2), (2, 5), (5, 8)]
    """

    rows: int
    """That all ranks have together."""
    rank: int = 0
    ranks: int = 1

    @property
    def start(self) -> int:
        """The first row of it."""
        return self.rows * self.rank // self.ranks

    @property
    def stop(self) -> int:
        """The first row after it."""
        return self.rows * (self.rank + 1) // self.ranks

    def __len__(self) -> int:
        return self.stop - self.start

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Average over all ranks, weighted by their shares, in one message.

        All ranks get the same bits.
        """
        if self.ranks == 1:
            return
        message = torch.cat([tensor.flatten() for tensor in tensors])
        message *= len(self) / self.rows
        distributed.all_reduce(message)
        means = torch.split(message, [tensor.numel() for tensor in tensors])
        for tensor, mean in zip(tensors, means, strict=True):
            tensor.copy_(mean.view_as(tensor))


class Together(DDPStrategy):
    """Lightning's processes, devices and messages, without a wrapper around the network.

    A wrapper averages gradients once in a batch of Lightning, in which there are many steps here.
    """

    def __init__(self) -> None:
        # SLURM's own variables are those of its batch job, which may be one `dvc repro`
        is_launched = TorchElasticEnvironment.detect()
        super().__init__(
            cluster_environment=TorchElasticEnvironment()
            if is_launched
            else LightningEnvironment(),
            timeout=NCCL_TIMEOUT if torch.cuda.is_available() else TIMEOUT,
        )

    def reduce_boolean_decision(self, decision: bool, all: bool = True) -> bool:
        """As Lightning does, with a deadline."""
        with deadline():
            return super().reduce_boolean_decision(decision, all)

    def broadcast(self, obj: T, src: int = 0) -> T:
        """As Lightning does, with a deadline."""
        with deadline():
            return super().broadcast(obj, src)

    def barrier(self, *args: Any, **kwargs: Any) -> None:
        """As Lightning does, with a deadline."""
        with deadline():
            super().barrier(*args, **kwargs)

    def reduce(self, *args: Any, **kwargs: Any) -> Tensor:
        """As Lightning does, with a deadline."""
        with deadline():
            return super().reduce(*args, **kwargs)

    def configure_ddp(self) -> None:
        """Broadcast the weights of rank zero: another machine may initialize differently."""
        assert self.model is not None
        for value in self.model.state_dict().values():
            distributed.broadcast(value, 0)


def deadline() -> AbstractContextManager[Any]:
    """Around a message on CUDA; that of gloo raises an error when it is late."""
    return Deadline(TIMEOUT.total_seconds()) if torch.cuda.is_available() else nullcontext()


def of_first(value: T) -> T:
    """The value of rank zero; other ranks may have other rounding."""
    if distributed.is_initialized():
        values = [value]
        with deadline():
            distributed.broadcast_object_list(values, 0)
        return values[0]
    return value


@contextmanager
def leaving_together() -> Iterator[None]:
    """A context with a barrier at its exit.

    Raises:
        PeerError: if another rank does not reach it in time.
    """
    try:
        yield
        if distributed.is_initialized():
            with deadline():
                distributed.barrier()
                if torch.cuda.is_available():  # which the barrier leaves to the device
                    torch.cuda.synchronize()
    except RuntimeError as error:
        if not isinstance(error, distributed.DistError) and "gloo" not in str(error):
            raise
        cause = str(error).splitlines()[0]
        raise PeerError(lost_peer(TIMEOUT.total_seconds(), cause)) from error
