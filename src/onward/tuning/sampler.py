"""Which trainings come next: successive halving, as a function of seed and finished trainings.

A sampler without state: a search that is killed goes on as if nothing had happened.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from onward.tuning.space import Point, Space, Values

THIRD = 3  # of the trials, the best third goes on with three times as many epochs
SHAPES = 3  # of networks in a bracket; trials of one shape can train as a batch
FEWEST_EPOCHS = 3  # of a training that says something
STEP = 0.2  # standard deviation, as a share of a range, of the distance to a good trial
MOVED = 0.5  # share of the settings of the shape that differ from those of a good trial


@dataclass(frozen=True)
class Training:
    """Settings to train with, and for how long."""

    trial: int
    """Its number; trial 0 has the settings of the config."""
    epochs: int
    point: Point
    values: Values


@dataclass(frozen=True)
class Result:
    """A finished training."""

    training: Training
    loss: float
    """The lowest validation loss; infinite if it was not finite."""
    best_epoch: int
    failure: str = ""
    """Why there is no loss."""


@dataclass(frozen=True)
class Progress:
    """How far a search with some budget has come."""

    results: Sequence[Result]
    """That it has asked for; a search with another budget may have left others."""
    following: Sequence[Training]
    """The next ones, all of the same number of epochs; empty at the end."""


def rungs(epochs: int) -> tuple[int, ...]:
    """The lengths of the trainings of successive halving, in epochs.

    Each is a training of its own with a whole schedule, and none goes on from a shorter one: in
    the middle of a long schedule the learning rate is high, and losses tell little.

    Example:
        >>> rungs(40), rungs(16), rungs(5)
        ((4, 13, 40), (5, 16), (5,))
    """
    shorter = (round(epochs / THIRD**power) for power in (2, 1))
    return (*(few for few in shorter if few >= FEWEST_EPOCHS), epochs)


@dataclass(frozen=True)
class Sampler:
    """Chooses trainings.

    The first trial has the settings of the config. Then come brackets: of some trials with few
    epochs the best third trains anew with three times as many, and so on. A third of the trials is
    drawn evenly, from a Sobol sequence; the others lie near the best trials before.

    Source: Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter
    Optimization" (successive halving). Differs: a longer training starts anew.
    """

    space: Space
    seed: int
    trials_per_shape: int

    @property
    def bracket(self) -> int:
        """Trials in a bracket."""
        return SHAPES * self.trials_per_shape

    def progress(self, results: Sequence[Result], trials: float) -> Progress:
        """What a search has asked for, and what it asks for next.

        Args:
            results: all that are finished, in any order.
            trials: how many there may be, trial 0 included; may be infinite.
        """
        finished = {(one.training.trial, one.training.epochs): one for one in results}
        longest = self.space.base.learner.max_epochs
        if (0, longest) not in finished:
            values = self.space.base_values
            return Progress((), [Training(0, longest, self.space.point(values), values)])
        used, first = [finished[0, longest]], 1
        while first < trials:
            count = int(min(self.bracket, trials - first))
            if waiting := self._of_bracket(first, count, finished, used):
                return Progress(used, waiting)
            first += self.bracket
        return Progress(used, ())

    def _of_bracket(
        self,
        first: int,
        count: int,
        finished: Mapping[tuple[int, int], Result],
        used: list[Result],
    ) -> list[Training]:
        """What the lowest rung that is not finished still needs; the others are added to `used`."""
        chosen: Sequence[int] = range(first, first + count)
        lengths, before = rungs(self.space.base.learner.max_epochs), tuple(used)
        for rung, epochs in enumerate(lengths):
            waiting = [trial for trial in chosen if (trial, epochs) not in finished]
            used += [finished[trial, epochs] for trial in chosen if trial not in waiting]
            if waiting:
                points = self._points(first, count, before)
                return [self._training(trial, epochs, points[trial]) for trial in waiting]
            kept = max(1, count // THIRD ** (rung + 1))
            losses = {trial: finished[trial, epochs].loss for trial in chosen}
            best = sorted(chosen, key=lambda trial: (losses[trial], trial))[:kept]
            chosen = [trial for trial in sorted(best) if math.isfinite(losses[trial])]
        return []

    def _training(self, trial: int, epochs: int, point: Point) -> Training:
        return Training(trial, epochs, point, self.space.values(point))

    def _points(self, first: int, count: int, before: Sequence[Result]) -> dict[int, Point]:
        good = _best_points(before)
        points: dict[int, Point] = {}
        for block, head in enumerate(range(first, first + count, self.trials_per_shape)):
            trials = range(head, min(head + self.trials_per_shape, first + count))
            points |= self._block(trials, good if block else ())
        return points

    def _block(self, trials: Sequence[int], good: Sequence[Point]) -> dict[int, Point]:
        """Trials of one shape, near good points if there are some."""
        axes = self.space.shape_axes
        points = {trial: self._point(trial, good) for trial in trials}
        head = points[trials[0]]
        return {
            trial: tuple(head[i] if i in axes else share for i, share in enumerate(point))
            for trial, point in points.items()
        }

    def _point(self, trial: int, good: Sequence[Point]) -> Point:
        draw = np.random.default_rng([self.seed, trial])
        size = len(self.space.ranges)
        if good:
            start = np.array(good[int(draw.integers(len(good)))])
            is_moved = draw.random(size) < MOVED
            is_moved[[i for i in range(size) if i not in self.space.shape_axes]] = True
            steps = draw.normal(0.0, STEP, size) * is_moved
            return tuple(map(float, _reflected(start + steps)))
        engine = torch.quasirandom.SobolEngine(size, scramble=True, seed=self.seed)  # type: ignore[no-untyped-call]
        engine.fast_forward(trial)  # type: ignore[no-untyped-call]
        return tuple(map(float, engine.draw(1, dtype=torch.float64)[0]))


def _best_points(results: Sequence[Result]) -> list[Point]:
    """The points of the best trials, about as many as the square root of all."""
    best: dict[int, tuple[float, Any]] = {}
    for result in results:
        trial = result.training.trial
        if trial not in best or result.loss < best[trial][0]:
            best[trial] = (result.loss, result.training.point)
    ranked = sorted(best, key=lambda trial: (best[trial][0], trial))
    return [best[trial][1] for trial in ranked[: max(1, round(math.sqrt(len(ranked))))]]


def _reflected(point: np.ndarray) -> np.ndarray:
    """A point, with shares outside of 0 to 1 thrown back."""
    folded: np.ndarray = np.abs((point + 1) % 2 - 1)
    return folded


def trainings_of_bracket(count: int, epochs: int) -> list[tuple[int, int]]:
    """How many trainings a bracket has of which length.

    Example:
        >>> trainings_of_bracket(9, 40)
        [(9, 4), (3, 13), (1, 40)]
    """
    return [(max(1, count // THIRD**rung), few) for rung, few in enumerate(rungs(epochs))]
