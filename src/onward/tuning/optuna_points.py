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


@dataclass(frozen=True)
class OptunaPoints(Points):
    """Points by Optuna's tree-structured Parzen estimator, with what it learns from all results.

    A study is made anew for each bracket, with a seed of its own: so the points are a function of
    seed and results here, too. A trial counts by the lowest loss of its trainings. Points lie where
    few of the good trials lie by chance, and away from those of the same bracket.

    Source: Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization", section 4.

    Raises:
        ExtraError: if Optuna is not installed.
    """

    def __post_init__(self) -> None:
        _optuna()

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
        optuna = _optuna()
        seed = int(np.random.default_rng([self.seed, first]).integers(2**32))
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        losses = lowest_losses(before)
        study.add_trials(
            optuna.trial.create_trial(
                params=self._named(point), distributions=self._distributions, value=loss
            )
            for loss, _, point in sorted(losses, key=lambda one: one[1])
        )
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
        pruned = _optuna().trial.TrialState.PRUNED  # counts as worse than all that are finished
        for _ in range(ATTEMPTS):
            asked, point = self._ask(study)
            if self.is_feasible(self.space.values(point)):
                break
            study.tell(asked, state=pruned)
        return point

    def _ask(self, study: Any) -> tuple[Any, Point]:
        asked = study.ask(self._distributions)
        return asked, tuple(float(asked.params[name]) for name in self.space.names)

    def _named(self, point: Point) -> dict[str, float]:
        return dict(zip(self.space.names, point, strict=True))

    @property
    def _distributions(self) -> dict[str, Any]:
        share = _optuna().distributions.FloatDistribution(0.0, 1.0)
        return dict.fromkeys(self.space.names, share)


def _optuna() -> Any:
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
