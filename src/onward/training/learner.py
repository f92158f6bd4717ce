"""The Lightning module that trains a network."""

from contextlib import ExitStack
from typing import Any, Literal

import torch
from lightning import LightningModule
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor

from onward.errors import ConfigError, NotFiniteError
from onward.network.network import Network
from onward.settings.family import Settings
from onward.training.batches import Rows, fits
from onward.training.distributed import Share
from onward.training.flat_parameters import Flat
from onward.training.loading import Chunk, Chunks
from onward.training.optimizer_steps import Descent, Steps
from onward.training.precision import Name, choose, fastest_float32
from onward.training.schedule import Schedule
from onward.training.scores import compute_scores
from onward.wording import format_count

CHUNK, CHUNK_WORK = 256, 2**34
"""Most steps, and most multiplications of forward passes, in one batch of Lightning. Its own work
for a batch takes 2 ms, as long as a small step; signals wait for its end, for about a second."""
CUDA_CHUNK = 1024  # there a step may take 60 µs
ANOTHER = 2_654_435_761  # far from all others of 32 bits that are it times a small number
STREAMED = 2**28  # bytes of a chunk that brings its rows; three of them are held


class Learner(LightningModule):
    """Training and validation steps around a `Network`.

    A Lightning batch is a chunk of many optimizer steps that never wait for the device. Rows stay
    on the device, where each step gathers its batch; if they do not fit, each chunk brings its
    rows. With several ranks, each trains on its share of every batch.

    Args:
        config: of the optimizer.
        network: to train.
        train: the rows to learn from.
        validation: the rows to validate on; None without validation.
        schedule: of the same training rows.
    """

    class Config(Settings):
        """Optimizer, schedule and early stopping."""

        learning_rate: PositiveFloat = 1e-3
        weight_decay: NonNegativeFloat = 1e-2
        batch_size: PositiveInt = 256  # rows of a step, of all ranks together
        max_epochs: PositiveInt = 100
        patience: PositiveInt = 12  # epochs without a lower validation loss, before stopping
        warmup: float = Field(0.05, ge=0.0, lt=1.0)  # share of all steps, in which the rate rises
        clip: PositiveFloat = 1.0  # norm of all gradients together
        precision: Literal["auto"] | Name = "auto"  # of the products in a step
        max_time: PositiveFloat | None = None  # seconds; the best weights by then are kept

    def __init__(
        self,
        config: Config,
        network: Network,
        train: Rows,
        validation: Rows | None,
        schedule: Schedule,
    ) -> None:
        super().__init__()
        self.config, self.network, self.schedule = config, network, schedule
        self.train_rows, self.validation_rows = self._given = train, validation
        self.automatic_optimization = False
        self.batch_size = schedule.batch_size
        self.steps_in_epoch, self.steps = schedule.steps_in_epoch, schedule.steps
        self.steps_taken = 0
        self._flats: list[Flat] = []
        self._steps: Steps | None = None
        self._multiplications = 0  # of the forward pass of a step
        self._share = Share(self.batch_size)
        self.is_resident = True
        self._kernels = ExitStack()
        self.loss_sum: Tensor  # over the steps of this epoch
        self.register_buffer("loss_sum", torch.zeros(()))

    def train_dataloader(self) -> Chunks:
        """What is left of the order of this epoch; the trainer has to ask anew before each one.

        A run that resumes after the last step of an epoch, before its validation, gets one chunk
        without rows: Lightning does not validate after no chunk at all.
        """
        left = self.schedule.orders(self.current_epoch)[self._place * self.batch_size :]
        mine = left.view(-1, self.batch_size)[:, self._share.start : self._share.stop].flatten()
        streamed = None if self.is_resident else self.train_rows
        return Chunks(mine, self._chunk * len(self._share), streamed, self.device)

    def val_dataloader(self) -> Chunks:
        """All validation rows of this rank, in one pass."""
        count = len(self._validation)
        return Chunks(torch.arange(count), count)

    def transfer_batch_to_device(self, batch: Chunk, device: torch.device, _: int) -> Chunk:
        """Nothing: what a chunk brings gets its place on the device when it is learned from."""
        return batch

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW, with weight decay where the network wants it."""
        decays = (self.config.weight_decay, 0.0)
        groups = [
            (Flat(parameters), decay)
            for parameters, decay in zip(self.network.by_decay(), decays, strict=True)
            if parameters
        ]
        self._flats = [flat for flat, _ in groups]
        return torch.optim.AdamW(
            [{"params": [flat.whole], "weight_decay": decay} for flat, decay in groups],
            lr=self.config.learning_rate,
            fused=True,
            capturable=self.device.type == "cuda",
        )

    def on_fit_start(self) -> None:
        """Move the rows to the device if there is room, and choose how it multiplies."""
        self._share = self._share_of(self.batch_size)
        if self.validation_rows is not None:
            seen = self._share_of(len(self.validation_rows))
            own = self.validation_rows.between(seen.start, seen.stop)
            self.validation_rows = own.to(self.device) if fits(own, self.device) else own
        # otherwise the ranks would have other chunks
        self.is_resident = self.trainer.strategy.reduce_boolean_decision(
            fits(self.train_rows, self.device)
        )
        if self.is_resident:
            self.train_rows = self.train_rows.to(self.device)
        self._multiplications = multiplications(self.network, self.batch_size // self._share.ranks)
        self.precision = choose(self.config.precision, self.device, self._multiplications)
        self._kernels.enter_context(fastest_float32(self.device))
        self._steps = None

    def _share_of(self, rows: int) -> Share:
        if rows < self.trainer.world_size:
            raise ConfigError(
                f"train: {self.trainer.world_size} processes cannot share"
                f" {format_count(rows, 'row')} of a batch, or of the validation. Start fewer, or"
                " let them see fewer devices (CUDA_VISIBLE_DEVICES)"
            )
        return Share(rows, self.global_rank, self.trainer.world_size)

    def teardown(self, stage: str) -> None:
        """Restore torch's settings and free the device."""
        self._kernels.close()
        if self._steps is not None:
            self._steps.release()
            self._steps = None
        self.train_rows, self.validation_rows = self._given

    def on_train_epoch_start(self) -> None:
        """Reset the losses of the previous epoch."""
        if self._place == 0:
            self.loss_sum.zero_()

    def training_step(self, chunk: Chunk, _: int) -> None:
        """As many optimizer steps as the chunk has batches."""
        if len(chunk.numbers):
            self._learn(chunk)
        self.log("train/loss", self.loss_sum / self._place, on_step=True, on_epoch=False)

    @property
    def _validation(self) -> Rows:
        assert self.validation_rows is not None  # Lightning does not validate without them
        return self.validation_rows

    @property
    def _place(self) -> int:
        """Steps taken in this epoch."""
        return self.steps_taken - self.current_epoch * self.steps_in_epoch

    def _learn(self, chunk: Chunk) -> None:
        taken = range(self.steps_taken, self.steps_taken + len(chunk.numbers) // len(self._share))
        rates = [self.config.learning_rate * self.schedule.pace(step) for step in taken]
        draws = [self.schedule.draw(step) + self.global_rank * ANOTHER for step in taken]
        steps = self._prepared_steps()
        losses = steps(chunk, rates, draws)
        if self.device.type == "cuda" and self._share.ranks > 1:
            steps.await_device()
        self._refuse_not_finite(losses.cpu())
        self.steps_taken = taken.stop

    def _prepared_steps(self) -> Steps:
        """Made with the first chunk, when a run that resumes has got its optimizer's state."""
        if self._steps is None:
            longest, rows = min(self._chunk, self.steps_in_epoch), self.train_rows
            if not self.is_resident:
                rows = rows.room(longest * len(self._share), self.device)
            optimizer: Any = self.optimizers(use_pl_optimizer=False)
            self._steps = Steps(
                self._loss,
                Descent(optimizer, self._flats, self.config.clip, self._share),
                rows,
                batch_size=len(self._share),
                longest=longest,
                total=self.loss_sum,
            )
        return self._steps

    def _loss(self, rows: Rows) -> Tensor:
        with self.precision.step(self.device):
            return self.network.loss(rows.features, rows.targets, rows.weights)

    @property
    def _chunk(self) -> int:
        """The steps of a chunk."""
        steps = CUDA_CHUNK
        if self.device.type != "cuda":
            steps = min(CHUNK, max(1, CHUNK_WORK // self._multiplications))
        if self.is_resident:
            return steps
        of_batch = self.train_rows.bytes * self.batch_size // len(self.train_rows)
        return min(steps, max(1, STREAMED // of_batch))

    def _refuse_not_finite(self, losses: Tensor) -> None:
        # looked at once a chunk, since each look waits for the device
        wrong = (~losses.isfinite()).nonzero()
        if len(wrong):
            number = int(wrong[0])
            order = self.schedule.orders(self.current_epoch)[
                (self._place + number) * self.batch_size :
            ]
            rows = sorted(order[: self.batch_size].tolist())
            examples = ", ".join(map(str, rows[:5]))
            raise NotFiniteError(
                f"train: the loss of step {self.steps_taken + number} is"
                f" {losses[number].item()}; its batch has the"
                f" training rows {examples}, ... ({len(rows)} rows). Lower train.learner."
                f"learning_rate, now {self.config.learning_rate:g}, or look at these rows"
            )

    def validation_step(self, _: Chunk, __: int) -> None:
        """Mean loss over all rows of all ranks, in float32."""
        rows = self._validation
        scores = compute_scores(self.network, rows, self.device)
        weights = None if rows.weights is None else rows.weights.to(self.device)
        loss = self.network.head.loss(scores, rows.targets.to(self.device), weights)
        self.log("validation/loss", loss, batch_size=len(scores), sync_dist=True)


def multiplications(network: Network, rows: int) -> int:
    """Of the forward pass of some rows, about."""
    weights = sum(p.numel() for p in network.model.parameters() if p.ndim > 1)
    return rows * network.ensemble_size * weights
