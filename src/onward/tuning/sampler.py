"""Which trainings come next: successive halving, as a function of seed and finished trainings.

A sampler without state: a search that is killed goes on as if nothing had happened.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from onward.tuning.space import Point, Space, Values

THIRD = 3  # of the trials, the best third goes on with three times as many epochs
SHAPES = 3  # of networks in a bracket; trials of one shape can train as a batch
FEWEST_EPOCHS = 3  # of a training that says something
STEP = 0.2  # standard deviation, as a share of a range, of the distance to a good trial
ATTEMPTS = 16  # to draw a shape that is feasible
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
class _Place:
    """How far a search with some budget has come."""

    results: Sequence[Result]
    """That it has asked for."""
    before: Sequence[Result] = ()
    """Of earlier brackets."""
    first: int = 0
    """Trial of the bracket."""
    count: int = 0
    """Trials of the bracket."""
    waiting: Sequence[int] = ()
    """Trials that are to train next."""
    epochs: int = 0
    """Of these."""


def always(_: Values) -> bool:
    """Any settings will do."""
    return True


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
    is_feasible: Callable[[Values], bool] = always
    """Whether networks of a shape may be trained; other shapes are drawn again."""

    @property
    def bracket(self) -> int:
        """Trials in a bracket."""
        return SHAPES * self.trials_per_shape

    def following(self, results: Sequence[Result], trials: float) -> list[Training]:
        """The next trainings, all of the same number of epochs; empty at the end.

        Args:
            results: all that are finished, in any order.
            trials: how many there may be, trial 0 included; may be infinite.
        """
        place = self._place(results, trials)
        if not place.results:
            values = self.space.base_values
            return [Training(0, place.epochs, self.space.point(values), values)]
        if not place.waiting:
            return []
        points = self._points(place.first, place.count, place.before)
        return [
            Training(trial, place.epochs, points[trial], self.space.values(points[trial]))
            for trial in place.waiting
        ]

    def asked(self, results: Sequence[Result], trials: float) -> Sequence[Result]:
        """The results that a search with this budget asks for; another one may have left others."""
        return self._place(results, trials).results

    def _place(self, results: Sequence[Result], trials: float) -> _Place:
        finished = {(one.training.trial, one.training.epochs): one for one in results}
        longest = self.space.base.learner.max_epochs
        if (0, longest) not in finished:
            return _Place((), waiting=(0,), epochs=longest)
        used, first = [finished[0, longest]], 1
        while first < trials:
            count = int(min(self.bracket, trials - first))
            place = self._in_bracket(first, count, finished, used)
            if place.waiting:
                return place
            used, first = [*place.results], first + self.bracket
        return _Place(used)

    def _in_bracket(
        self,
        first: int,
        count: int,
        finished: Mapping[tuple[int, int], Result],
        before: Sequence[Result],
    ) -> _Place:
        """What the lowest rung that is not finished still needs."""
        chosen: Sequence[int] = range(first, first + count)
        used = [*before]
        for rung, epochs in enumerate(rungs(self.space.base.learner.max_epochs)):
            waiting = [trial for trial in chosen if (trial, epochs) not in finished]
            used += [finished[trial, epochs] for trial in chosen if trial not in waiting]
            if waiting:
                return _Place(used, before, first, count, waiting, epochs)
            kept = max(1, count // THIRD ** (rung + 1))
            losses = {trial: finished[trial, epochs].loss for trial in chosen}
            best = sorted(chosen, key=lambda trial: (losses[trial], trial))[:kept]
            chosen = [trial for trial in sorted(best) if math.isfinite(losses[trial])]
        return _Place(used)

    def _points(self, first: int, count: int, before: Sequence[Result]) -> dict[int, Point]:
        good = _best_points(before)
        points: dict[int, Point] = {}
        for block, head in enumerate(range(first, first + count, self.trials_per_shape)):
            trials = range(head, min(head + self.trials_per_shape, first + count))
            points |= self._block(trials, good if block else ())
        return points

    def _block(self, trials: Sequence[int], good: Sequence[Point]) -> dict[int, Point]:
        """Trials of one shape, near good points if there are some."""
        axes, head = self.space.shape_axes, self._shape(trials[0], good)
        points = {trial: self._point(trial, good) for trial in trials}
        return {
            trial: tuple(head[i] if i in axes else share for i, share in enumerate(point))
            for trial, point in points.items()
        }

    def _shape(self, trial: int, good: Sequence[Point]) -> Point:
        """A point whose shape is feasible, unless none of many is."""
        point = self._point(trial, good)
        for attempt in range(1, ATTEMPTS):
            if self.is_feasible(self.space.values(point)):
                break
            draw = np.random.default_rng([self.seed, trial, attempt])
            point = tuple(map(float, draw.random(len(self.space.ranges))))
        return point

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
        if result.failure:
            continue
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
