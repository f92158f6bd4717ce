"""How a network learns."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from lightning import LightningModule
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor

from onward.errors import NotFiniteError
from onward.family import Settings
from onward.network import Network

CHUNK = 16  # steps in one batch of Lightning, whose own work for a batch costs more than a step
VALIDATION_ROWS = 8192  # rows in one pass without gradients; more gains nothing


@dataclass(frozen=True)
class Rows:
    """Prepared rows, on the device that trains."""

    numerical: Tensor
    """``(rows, features)`` float32."""
    categorical: Tensor
    """``(rows, codes)`` int64."""
    targets: Tensor
    """``(rows,)`` int64 codes of classes, or float64 numbers."""

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> "Rows":
        """The same rows on another device."""
        return Rows(self.numerical.to(device), self.categorical.to(device), self.targets.to(device))

    def take(self, index: Tensor | slice) -> "Rows":
        """Some of the rows."""
        return Rows(self.numerical[index], self.categorical[index], self.targets[index])


class Chunks:
    """Row numbers, a chunk at a time; what Lightning takes for a data loader."""

    def __init__(self, order: Tensor, size: int) -> None:
        self._chunks = torch.split(order, size)

    def __len__(self) -> int:
        return len(self._chunks)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._chunks)


def shuffled(rows: int, batch_size: int, seed: int) -> Tensor:
    """The row numbers of an epoch, in whole batches.

    The order is a function of its seed, not a state: a run that was interrupted finds its place
    again. The rows that do not fill a batch wait for another epoch.
    """
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))
    return order[: rows // batch_size * batch_size]


class Learner(LightningModule):
    """Training and validation steps around a `Network`.

    A batch of Lightning is the row numbers of up to ``CHUNK`` optimizer steps: the rows stay on
    the device, where they are gathered, and nothing waits for the device inside the chunk.
    """

    class Config(Settings):
        """How to step, and when to stop."""

        learning_rate: PositiveFloat = 1e-3
        weight_decay: NonNegativeFloat = 1e-2
        batch_size: PositiveInt = 256
        max_epochs: PositiveInt = 100
        patience: PositiveInt = 12  # epochs without a lower validation loss, before stopping
        warmup: float = Field(0.05, ge=0.0, lt=1.0)  # share of all steps; then a cosine to zero
        clip: PositiveFloat = 1.0  # norm of all gradients together
        max_time: PositiveFloat | None = None  # seconds; the best weights by then are kept

    def __init__(
        self, config: Config, network: Network, train: Rows, validation: Rows, seed: int
    ) -> None:
        super().__init__()
        self.config, self.network, self.seed = config, network, seed
        self.train_rows, self.validation_rows = train, validation
        self.automatic_optimization = False
        self.batch_size = min(config.batch_size, len(train))
        self.steps_in_epoch = len(train) // self.batch_size
        self.steps = config.max_epochs * self.steps_in_epoch
        self.steps_taken = 0
        self.loss_sum: Tensor  # over the steps of this epoch
        self.register_buffer("loss_sum", torch.zeros(()))

    def train_dataloader(self) -> Chunks:
        """What is left of the order of this epoch; the trainer has to ask anew before each one.

        A run that resumes after the last step of an epoch, before its validation, gets one chunk
        without rows: Lightning does not validate after no chunk at all.
        """
        order = shuffled(len(self.train_rows), self.batch_size, self._draw(self.current_epoch))
        return Chunks(order[self._place * self.batch_size :], CHUNK * self.batch_size)

    def val_dataloader(self) -> Chunks:
        """All validation rows, in few passes."""
        return Chunks(torch.arange(len(self.validation_rows)), VALIDATION_ROWS)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW, with weight decay where the network wants it."""
        decaying, lasting = self.network.by_decay()
        groups = [
            {"params": decaying, "weight_decay": self.config.weight_decay},
            {"params": lasting, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.config.learning_rate, fused=True)

    def on_train_start(self) -> None:
        """Move the rows to the device, once."""
        self.train_rows = self.train_rows.to(self.device)
        self.validation_rows = self.validation_rows.to(self.device)

    def on_train_epoch_start(self) -> None:
        """Forget the losses of the epoch before."""
        if self._place == 0:
            self.loss_sum.zero_()

    def training_step(self, order: Tensor, _: int) -> None:
        """As many optimizer steps as the row numbers have batches."""
        if len(order):
            self._learn(order)
        self.log("train/loss", self.loss_sum / self._place, on_step=True, on_epoch=False)

    @property
    def _place(self) -> int:
        """Steps taken in this epoch."""
        return self.steps_taken - self.current_epoch * self.steps_in_epoch

    def _learn(self, order: Tensor) -> None:
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        chunk = self.train_rows.take(order)
        losses = []
        for start in range(0, len(chunk), self.batch_size):
            torch.manual_seed(self._draw(self.steps_taken))
            for group in optimizer.param_groups:
                group["lr"] = self.config.learning_rate * self._pace(self.steps_taken)
            losses.append(self._step(optimizer, chunk.take(slice(start, start + self.batch_size))))
            self.steps_taken += 1
        self.loss_sum += torch.stack(losses).sum()
        self._refuse_not_finite(torch.stack(losses), order)

    def _step(self, optimizer: Any, rows: Rows) -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = self.network.loss(rows.numerical, rows.categorical, rows.targets)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        optimizer.step()
        return loss.detach()

    def _pace(self, step: int) -> float:
        rise = self.config.warmup * self.steps
        if step < rise:
            return (step + 1) / (rise + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1.0, self.steps - rise)))

    def _refuse_not_finite(self, losses: Tensor, order: Tensor) -> None:
        # looked at once a chunk, since each look waits for the device
        wrong = (~losses.isfinite()).nonzero()
        if len(wrong):
            place = int(wrong[0])
            step = self.steps_taken - len(losses) + place
            rows = sorted(order[place * self.batch_size :][: self.batch_size].tolist())
            shown = ", ".join(map(str, rows[:5]))
            raise NotFiniteError(
                f"train: the loss of step {step} is {losses[place].item()}; its batch has the"
                f" training rows {shown}, ... ({len(rows)} rows). Lower train.learner."
                f"learning_rate, now {self.config.learning_rate:g}, or look at these rows"
            )

    def _draw(self, place: int) -> int:
        """The seed of what is drawn in one step, or for one epoch."""
        return self.seed * 1_000_003 + place

    def validation_step(self, order: Tensor, _: int) -> None:
        """Mean loss over the rows."""
        rows = self.validation_rows.take(order)
        scores = self.network.scores(rows.numerical, rows.categorical)
        loss = self.network.head.loss(scores, rows.targets)
        self.log("validation/loss", loss, batch_size=len(rows))
