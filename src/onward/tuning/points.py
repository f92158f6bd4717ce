"""Which settings a bracket of trials has, as a function of seed and finished trainings."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from onward.tuning.results import Result
from onward.tuning.space import Point, Space, Values

ATTEMPTS = 16  # to draw a shape that is feasible
MOVED = 0.5  # share of the settings of the shape that differ from those of a good trial
STEP = 0.2  # standard deviation, as a share of a range, of the distance to a good trial


def always(_: Values) -> bool:
    """Any settings will do."""
    return True


@dataclass(frozen=True)
class Points(ABC):
    """Chooses the points of trials; has no state."""

    space: Space
    seed: int
    is_feasible: Callable[[Values], bool] = always
    """Whether networks of a shape may be trained; other shapes are drawn again."""

    @abstractmethod
    def of_bracket(
        self, blocks: Sequence[Sequence[int]], before: Sequence[Result]
    ) -> dict[int, Point]:
        """The points of trials.

        Args:
            blocks: trials, those of one shape together.
            before: the results of earlier brackets.
        """


@dataclass(frozen=True)
class SobolPoints(Points):
    """A third of the trials is drawn evenly, from a Sobol sequence; the others lie near good ones.

    Good are the best trials before; there is at least that with the settings of the config.
    """

    def of_bracket(
        self, blocks: Sequence[Sequence[int]], before: Sequence[Result]
    ) -> dict[int, Point]:
        """See `Points`."""
        good = _best_points(before)
        points: dict[int, Point] = {}
        for index, trials in enumerate(blocks):
            points |= self._block(trials, good if index else ())
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


def lowest_losses(results: Sequence[Result]) -> list[tuple[float, int, Point]]:
    """The lowest loss of each trial that has one, with the trial and its point; best first."""
    best: dict[int, tuple[float, Point]] = {}
    for result in results:
        trial = result.training.trial
        if not result.failure and (trial not in best or result.loss < best[trial][0]):
            best[trial] = (result.loss, result.training.point)
    return sorted((loss, trial, point) for trial, (loss, point) in best.items())


def _best_points(results: Sequence[Result]) -> list[Point]:
    """The points of the best trials, about as many as the square root of all."""
    ranked = lowest_losses(results)
    return [point for _, _, point in ranked[: max(1, round(math.sqrt(len(ranked))))]]


def _reflected(point: np.ndarray) -> np.ndarray:
    """A point, with shares outside of 0 to 1 thrown back."""
    folded: np.ndarray = np.abs((point + 1) % 2 - 1)
    return folded
