"""How a network learns."""

import math
from contextlib import ExitStack
from typing import Any, Literal

import torch
from lightning import LightningModule
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor

from onward.errors import NotFiniteError
from onward.family import Settings
from onward.flat import Flat
from onward.network import Network
from onward.precision import Name, choose, fastest_float32
from onward.rows import Chunks, Rows, shuffled
from onward.steps import Steps

CHUNK = 64
"""Steps in one batch of Lightning, whose own work for a batch takes 2 ms, as long as a step."""
CUDA_CHUNK = 1024  # there a step may take 60 µs
VALIDATION_ROWS = 8192  # rows in one pass without gradients, of all members; more gains nothing


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
        precision: Literal["auto"] | Name = "auto"  # of the products in a step
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
        self._flats: list[Flat] = []
        self._steps: Steps | None = None
        self._kernels = ExitStack()
        self.loss_sum: Tensor  # over the steps of this epoch
        self.register_buffer("loss_sum", torch.zeros(()))

    def train_dataloader(self) -> Chunks:
        """What is left of the order of this epoch; the trainer has to ask anew before each one.

        A run that resumes after the last step of an epoch, before its validation, gets one chunk
        without rows: Lightning does not validate after no chunk at all.
        """
        order = shuffled(len(self.train_rows), self.batch_size, self._draw(self.current_epoch))
        return Chunks(order[self._place * self.batch_size :], self._chunk * self.batch_size)

    def val_dataloader(self) -> Chunks:
        """All validation rows, in one pass."""
        return Chunks(torch.arange(len(self.validation_rows)), len(self.validation_rows))

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
        """Move the rows to the device, once, and choose how it multiplies."""
        self.train_rows = self.train_rows.to(self.device)
        self.validation_rows = self.validation_rows.to(self.device)
        members = self.network.model.ensemble_size
        weights = sum(p.numel() for p in self.network.model.parameters() if p.ndim > 1)
        multiplications = self.batch_size * members * weights
        self.precision = choose(self.config.precision, self.device, multiplications)
        self._kernels.enter_context(fastest_float32(self.device))
        self._steps = None

    def teardown(self, stage: str) -> None:
        """Leave torch as it was."""
        self._kernels.close()

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
        taken = range(self.steps_taken, self.steps_taken + len(order) // self.batch_size)
        rates = [self.config.learning_rate * self._pace(step) for step in taken]
        losses = self._prepared_steps()(order, rates, [self._draw(step) for step in taken])
        self.steps_taken = taken.stop
        self._refuse_not_finite(losses.cpu(), order)

    def _prepared_steps(self) -> Steps:
        """Made with the first chunk, when a run that resumes has got its optimizer's state."""
        if self._steps is None:
            optimizer: Any = self.optimizers(use_pl_optimizer=False)
            self._steps = Steps(
                self.network,
                self._flats,
                optimizer,
                self.train_rows,
                batch_size=self.batch_size,
                longest=min(self._chunk, self.steps_in_epoch),
                clip=self.config.clip,
                precision=self.precision,
                total=self.loss_sum,
            )
        return self._steps

    @property
    def _chunk(self) -> int:
        return CUDA_CHUNK if self.device.type == "cuda" else CHUNK

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
        """Mean loss over all rows, in float32."""
        count, members = len(order), self.network.model.ensemble_size
        size = max(1, VALIDATION_ROWS // members)
        total = torch.zeros((), device=self.device)
        for start in range(0, count, size):
            rows = self.validation_rows.between(start, start + size)
            scores = self.network.scores(rows.numerical, rows.categorical)
            total += self.network.head.loss(scores, rows.targets) * len(rows)
        self.log("validation/loss", total / count, batch_size=count)
