"""Batches, learning rates and random draws of a training, as functions of the step."""

import copy

import torch
from torch import Tensor

from onward.training.batches import Rows
from onward.training.class_balance import Balanced, balanced_order, by_class
from onward.training.loading import Orders, shuffled_order

STABLE = 0.7  # share of all steps until the learning rate falls


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
        self.steps_in_epoch = self._steps_in_pass = len(rows) // self.batch_size
        self._max_epochs, self._warmup = max_epochs, warmup
        self._seed, self._count = seed, len(rows)
        self._groups = None if sampler is None else by_class(rows.targets)
        self.orders = Orders(self._order)

    @property
    def steps(self) -> int:
        """Of all epochs."""
        return self._max_epochs * self.steps_in_epoch

    def with_epochs_of(self, steps: int) -> "Schedule":
        """The same with so many steps in an epoch, after which the rows need not start anew.

        Each row still comes once before any comes again.
        """
        other = copy.copy(self)
        other.steps_in_epoch, other.orders = steps, Orders(other._order)
        return other

    def pace(self, step: int) -> float:
        """The learning rate of a step as a share of ``learning_rate``: it rises, stays, and falls.

        Source: Hägele et al. 2024, "Scaling Laws and Compute-Optimal Training Beyond Fixed Training
        Durations". Differs: the fall is a straight line over the last 30 % of the steps.
        """
        rise, fall = self._warmup * self.steps, STABLE * self.steps
        if step < rise:
            return (step + 1) / (rise + 1)
        if step < fall:
            return 1.0
        start = max(rise, fall)
        return (self.steps - step) / (self.steps - start)

    def draw(self, number: int) -> int:
        """The seed of what is drawn in one step, or for one epoch."""
        return self._seed * 1_000_003 + number

    def _order(self, epoch: int) -> Tensor:
        start, stop = epoch * self.steps_in_epoch, (epoch + 1) * self.steps_in_epoch
        first = start // self._steps_in_pass
        last = (stop - 1) // self._steps_in_pass
        orders = torch.cat([self._pass(number) for number in range(first, last + 1)])
        skipped = first * self._steps_in_pass
        return orders[(start - skipped) * self.batch_size : (stop - skipped) * self.batch_size]

    def _pass(self, number: int) -> Tensor:
        """The order of a pass over all rows."""
        if self._groups is None:
            return shuffled_order(self._count, self.batch_size, self.draw(number))
        return balanced_order(self._groups, self.batch_size, self.draw(number))
