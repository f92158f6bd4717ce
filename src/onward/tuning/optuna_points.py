"""Settings of trials that Optuna chooses."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from onward.errors import ExtraError
from onward.tuning.points import ATTEMPTS, Points, lowest_losses
from onward.tuning.results import Result
from onward.tuning.space import Point

STARTUP_TRIALS = 1  # finished ones, before which settings are drawn evenly


@dataclass(frozen=True)
class OptunaPoints(Points):
    """Points by Optuna's tree-structured Parzen estimator, with what it learns from all results.

    A study is made anew for each bracket, with a seed of its own: so the points are a function of
    seed and results here, too. A trial counts by the lowest loss of its trainings; one that failed
    counts as worse than all others. Points of one bracket keep away from each other.

    Source: Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization", section 4.
    """

    def of_bracket(
        self, blocks: Sequence[Sequence[int]], before: Sequence[Result]
    ) -> dict[int, Point]:
        """See `Points`."""
        study = self._study(blocks[0][0], before)
        points: dict[int, Point] = {}
        for trials in blocks:
            points |= self._block(study, trials)
        return points

    def _study(self, first: int, before: Sequence[Result]) -> Any:
        optuna = load_optuna()
        seed = int(np.random.default_rng([self.seed, first]).integers(2**32))
        # by default it is ten; trial 0 alone is finished when the first bracket is chosen
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
        study, create = optuna.create_study(sampler=sampler), optuna.trial.create_trial
        losses = {trial: loss for loss, trial, _ in lowest_losses(before)}
        points = {one.training.trial: one.training.point for one in before}
        for trial in sorted(points):
            about = {"params": self._named(points[trial]), "distributions": self._distributions}
            is_over = {"value": losses[trial]} if trial in losses else {"state": _worst()}
            study.add_trial(create(**about, **is_over))
        return study

    def _block(self, study: Any, trials: Sequence[int]) -> dict[int, Point]:
        """Trials of one shape."""
        names = self.space.names
        head = self._shape(study)
        shape = {names[axis]: head[axis] for axis in self.space.shape_axes}
        points = {trials[0]: head}
        for trial in trials[1:]:
            study.enqueue_trial(shape)
            points[trial] = self._ask(study)[1]
        return points

    def _shape(self, study: Any) -> Point:
        """A point whose shape is feasible, unless none of many is."""
        for _ in range(ATTEMPTS):
            asked, point = self._ask(study)
            if self.is_feasible(self.space.values(point)):
                break
            study.tell(asked, state=_worst())
        return point

    def _ask(self, study: Any) -> tuple[Any, Point]:
        asked = study.ask(self._distributions)
        return asked, tuple(float(asked.params[name]) for name in self.space.names)

    def _named(self, point: Point) -> dict[str, float]:
        return dict(zip(self.space.names, point, strict=True))

    @property
    def _distributions(self) -> dict[str, Any]:
        share = load_optuna().distributions.FloatDistribution(0.0, 1.0)
        return dict.fromkeys(self.space.names, share)


def _worst() -> Any:
    """The state of a trial that counts as worse than all that have a loss."""
    return load_optuna().trial.TrialState.PRUNED


def load_optuna() -> Any:
    """The library.

    Raises:
        ExtraError: if it is not installed.
    """
    try:
        optuna = import_module("optuna")
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise ExtraError(
            "tune.sampler: optuna is not installed. Run `pip install 'onward[optuna]'`, or remove"
            " `sampler`"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it announces each study
    return optuna
