"""Progress of a training, for the terminal."""

import logging
import time

from lightning import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from onward.wording import format_number

logger = logging.getLogger(__name__)


class Watch(Callback):
    """A progress bar over epochs on a terminal, a line per epoch elsewhere.

    Losses are read from the device once per epoch: reading them more often would make it wait.

    Args:
        rows: training rows in an epoch.
        loss: the name of the validation loss.
    """

    def __init__(self, rows: int, loss: str) -> None:
        self._rows, self._loss, self._best = rows, loss, float("inf")
        self._started = self._trained = 0.0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(20),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = TaskID(0)

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Show the bar."""
        if self._bar.console.is_terminal:
            self._task = self._bar.add_task(
                "train", total=trainer.max_epochs, completed=trainer.current_epoch
            )
            self._bar.start()

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Stop the clock during validation."""
        self._trained = time.perf_counter() - self._started

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Show the losses."""
        losses = {name: value.item() for name, value in trainer.callback_metrics.items()}
        self._best = min(self._best, losses[self._loss])
        text = (
            f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            f"  loss {format_number(losses['train/loss'])}"
            f"  validation {format_number(losses[self._loss])}"
            f"  best {format_number(self._best)}  {self._rows / self._trained:,.0f} rows/s"
        )
        if self._bar.console.is_terminal:
            self._bar.update(self._task, description=text, advance=1)
        else:
            logger.info(text)

    def teardown(self, trainer: Trainer, module: LightningModule, stage: str) -> None:
        """Remove the bar, if there is one: otherwise rich writes a line."""
        if self._bar.live.is_started:
            self._bar.stop()
