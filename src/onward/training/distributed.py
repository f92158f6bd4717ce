"""Several processes that train one network, each on a device of its own: the ranks of a training.

torchrun starts them; where it did not, and there are several CUDA devices, Lightning starts one for
each. All of them take the same steps and hold the same weights. Each learns from its share of every
batch, and only the first one writes.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, distributed

from onward.errors import PeerError

T = TypeVar("T")
TIMEOUT = timedelta(seconds=90)  # of each message between ranks, waiting for the slowest included


@dataclass(frozen=True)
class Layout:
    """Where the ranks of a training are."""

    devices: int
    """Of each machine; one rank has one."""
    nodes: int
    """Machines."""

    @property
    def ranks(self) -> int:
        """On all machines."""
        return self.devices * self.nodes


def layout() -> Layout:
    """What torchrun has started, or else all CUDA devices of this machine, or else its CPU."""
    if TorchElasticEnvironment.detect():
        return Layout(int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["GROUP_WORLD_SIZE"]))
    return Layout(max(1, torch.cuda.device_count()), 1)


@dataclass(frozen=True)
class Share:
    """What one rank takes of some rows; shares differ by one row at most.

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
        """Make means over all rows of what are means over this share, in one message.

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
            timeout=TIMEOUT,
        )

    def configure_ddp(self) -> None:
        """Give each rank the weights of the first: another machine may draw others."""
        assert self.model is not None
        for value in self.model.state_dict().values():
            distributed.broadcast(value, 0)


def of_first(value: T) -> T:
    """What the first rank has found: others may find it with other rounding."""
    if distributed.is_initialized():
        found = [value]
        distributed.broadcast_object_list(found, 0)
        return found[0]
    return value


@contextmanager
def leaving_together() -> Iterator[None]:
    """A block that each rank leaves when all have come to its end.

    Raises:
        PeerError: if another rank does not come, or does not answer in time.
    """
    try:
        yield
        if distributed.is_initialized():
            distributed.barrier()
    except RuntimeError as error:
        if not isinstance(error, distributed.DistError) and "gloo" not in str(error):
            raise
        raise PeerError(
            f"train: another process of this training has ended, or did not answer for"
            f" {TIMEOUT.total_seconds():.0f} s. Look for its message, and start all of them again:"
            f" they go on from the last checkpoint ({str(error).splitlines()[0]})"
        ) from error
