"""Which trainings come next: successive halving, as a function of seed and finished trainings.

A sampler without state: a search that is killed goes on as if nothing had happened.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onward.tuning.points import Points
from onward.tuning.results import Result, Training
from onward.tuning.space import Space

THIRD = 3  # of the trials, the best third goes on with three times as many epochs
SHAPES = 3  # of networks in a bracket; trials of one shape can train as a batch
FEWEST_EPOCHS = 3  # of a training that says something


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
    epochs the best third trains anew with three times as many, and so on.

    Source: Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter
    Optimization" (successive halving). Differs: a longer training starts anew.
    """

    points: Points
    """Of the trials of brackets."""
    trials_per_shape: int

    @property
    def space(self) -> Space:
        """That the points are from."""
        return self.points.space

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
        end, step = place.first + place.count, self.trials_per_shape
        blocks = [range(head, min(head + step, end)) for head in range(place.first, end, step)]
        points = self.points.of_bracket(blocks, place.before)
        # those of longer trainings: another version of a library may draw other points by now
        points |= {one.training.trial: one.training.point for one in place.results}
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


def trainings_of_bracket(count: int, epochs: int) -> list[tuple[int, int]]:
    """How many trainings a bracket has of which length.

    Example:
        >>> trainings_of_bracket(9, 40)
        [(9, 4), (3, 13), (1, 40)]
    """
    return [(max(1, count // THIRD**rung), few) for rung, few in enumerate(rungs(epochs))]
