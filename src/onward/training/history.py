"""The losses of each epoch, the weights that are kept, and when a training ends."""

import copy
import logging
import math
from abc import ABC
from collections.abc import Sequence

from lightning import Callback, LightningModule, Trainer
from torch import Tensor

logger = logging.getLogger(__name__)

LOSS = "validation/loss"


class Record(Callback, ABC):
    """Callback: what a training has found so far."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []
        self.weights: dict[str, Tensor] = {}


class History(Record):
    """Callback: losses per epoch, best weights and early stopping."""

    def __init__(self, patience: int) -> None:
        super().__init__()
        self._patience = patience

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Record the epoch; validation comes before this."""
        losses = {name: trainer.callback_metrics[name].item() for name in ("train/loss", LOSS)}
        before = [epoch[LOSS] for epoch in self.epochs]
        if not math.isfinite(losses[LOSS]):
            logger.warning(
                "train: stopped: the validation loss of epoch %d is %s",
                trainer.current_epoch + 1,
                losses[LOSS],
            )
            trainer.should_stop = True
            return
        self.epochs.append({"epoch": trainer.current_epoch + 1, **losses})
        if losses[LOSS] < min(before, default=math.inf):
            self.weights = copy.deepcopy(module.state_dict())
        elif is_impatient([*before, losses[LOSS]], self._patience):
            trainer.should_stop = True


class FixedLength(Record):
    """Callback: ends a training after so many epochs, without validation.

    Args:
        epochs: their number.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._last = epochs

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Record the epoch, and after the last one the weights."""
        loss = trainer.callback_metrics["train/loss"].item()
        self.epochs.append({"epoch": trainer.current_epoch + 1, "train/loss": loss})
        if len(self.epochs) == self._last:
            self.weights = copy.deepcopy(module.state_dict())
            trainer.should_stop = True


def is_impatient(losses: Sequence[float], patience: int) -> bool:
    """Whether so many epochs have had no lower validation loss.

    Args:
        losses: of each epoch.
        patience: epochs.
    """
    return len(losses) - 1 - losses.index(min(losses)) >= patience
