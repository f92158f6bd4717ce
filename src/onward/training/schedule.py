"""Batches, learning rates and random draws of a training, as functions of the step."""

import math

from torch import Tensor

from onward.training.batches import Rows
from onward.training.class_balance import Balanced, balanced_order, by_class
from onward.training.loading import Orders, shuffled_order


class Schedule:
    """What happens in which step; nothing of it is state, so that a training can resume.

    Args:
        rows: for training.
        batch_size: of a step; at most all rows.
        max_epochs: of the training.
        warmup: share of all steps with a rising learning rate.
        seed: of all draws.
        sampler: draws equal numbers of rows of each class, if given.
    """

    def __init__(
        self,
        rows: Rows,
        *,
        batch_size: int,
        max_epochs: int,
        warmup: float,
        seed: int,
        sampler: Balanced | None,
    ) -> None:
        self.batch_size = min(batch_size, len(rows))
        self.steps_in_epoch = len(rows) // self.batch_size
        self.steps = max_epochs * self.steps_in_epoch
        self._warmup, self._seed, self._count = warmup, seed, len(rows)
        self._groups = None if sampler is None else by_class(rows.targets)
        self.orders = Orders(self._order)

    def pace(self, step: int) -> float:
        """The learning rate of a step as a share of ``learning_rate``: a linear rise, a cosine."""
        rise = self._warmup * self.steps
        if step < rise:
            return (step + 1) / (rise + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1.0, self.steps - rise)))

    def draw(self, place: int) -> int:
        """The seed of what is drawn in one step, or for one epoch."""
        return self._seed * 1_000_003 + place

    def _order(self, epoch: int) -> Tensor:
        if self._groups is None:
            return shuffled_order(self._count, self.batch_size, self.draw(epoch))
        return balanced_order(self._groups, self.batch_size, self.draw(epoch))
