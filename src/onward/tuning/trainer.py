"""Train trials: those of one shape as a batch where that is faster, others one by one."""

import logging
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from onward.errors import NotFiniteError, is_out_of_memory
from onward.network.bag import Bag
from onward.network.heads import Head
from onward.network.scoring import Scoring
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.fingerprint import fingerprint
from onward.training.folds import fit_folds
from onward.training.history import LOSS
from onward.training.run import TrainingData, fit
from onward.training.scores import compute_scores
from onward.training.settings import Settings
from onward.training.trial_batch import batch_key, fit_together, is_worthwhile
from onward.tuning.latency import Limit
from onward.tuning.results import Result, Training
from onward.tuning.score_files import ScoreFiles
from onward.tuning.space import Space

logger = logging.getLogger(__name__)

NOT_FINITE = "the loss is not finite"
FEW, MANY = 3, 8  # trials of one shape: one by one, and as a batch


class Trainer:
    """Trains trials.

    Args:
        space: that the values are from.
        data: the rows.
        folder: for the checkpoints of the training under way.
        data_hash: of the rows.
        limit: of the time for one row.
    """

    def __init__(
        self,
        space: Space,
        data: TrainingData,
        folder: Path,
        data_hash: str,
        limit: Limit | None = None,
    ) -> None:
        self.space, self._data, self.limit = space, data, limit
        self._folder, self._data_hash = folder, data_hash
        head = Head.build(space.base.network.head, len(data.target.classes))
        head.fit(data.train.targets)
        self.scores = ScoreFiles(folder / "scores", head, data.validation)
        self._worthwhile: dict[str, bool] = {}
        self._can_batch = True

    @cached_property
    def trials_per_shape(self) -> int:
        """How many trials are to have one shape: more if they train as a batch."""
        return MANY if is_worthwhile(self.space.base, self._data) else FEW

    def groups(self, trainings: Sequence[Training]) -> list[list[Training]]:
        """The trainings in groups, each of which `train` takes at once."""
        groups: dict[str, list[Training]] = {}
        for training in trainings:
            settings = self.space.settings(training.values, training.epochs)
            key = batch_key(settings)
            if key not in self._worthwhile:
                self._worthwhile[key] = is_worthwhile(settings, self._data)
            own = "" if self._worthwhile[key] else f"{training.trial} "
            groups.setdefault(own + key, []).append(training)
        return [*groups.values()]

    def train(self, group: Sequence[Training]) -> list[Result]:
        """Train a group, which has one shape if it is more than one.

        A loss that is not finite is a result, too, and so are a lack of memory and a network that
        is too slow.
        """
        if self.limit is not None and not self.limit.allows(group[0].values):
            failure = f"takes {self.limit.of(group[0].values):.0f} µs for one row"
            return [Result(training, math.inf, 0, failure) for training in group]
        if len(group) > 1 and self._can_batch:
            try:
                return self._train_together(group)
            except (RuntimeError, MemoryError) as error:  # torch cannot vectorize a module, too
                self._note_failure(error, len(group))
        return [self._train_alone(training) for training in group]

    def _note_failure(self, error: Exception, count: int) -> None:
        reason = str(error).partition("\n")[0]
        if is_out_of_memory(error):
            logger.warning("tune: %d trials train one by one: %s", count, reason)
            return
        self._can_batch = False
        logger.warning(
            "tune: trials train one by one: a module cannot train as a batch (%s)", reason
        )

    def _train_together(self, group: Sequence[Training]) -> list[Result]:
        settings = [self.space.settings(one.values, one.epochs) for one in group]
        trials = fit_together(settings, self._data)
        for training, trial in zip(group, trials, strict=True):
            if trial.scores is not None:
                self.scores.save(training.name, trial.scores[self.scores.indices])
        return [
            _result(training, trial.history) for training, trial in zip(group, trials, strict=True)
        ]

    def _train_alone(self, training: Training) -> Result:
        settings = self.space.settings(training.values, training.epochs)
        history = list[dict[str, float]]()

        def train(checkpoints: Checkpoints) -> None:
            trained = fit(settings, self._data, checkpoints)
            self.scores.save(training.name, _scores(trained.network, self.scores.rows))
            history.extend(trained.history)

        failure = self._attempt(settings, train)
        return _result(training, history, failure)

    def train_on_folds(self, settings: Settings, name: str) -> str:
        """Train a network for each fold of the training rows, and keep the scores of each.

        Args:
            settings: with the number of folds.
            name: of the scores, followed by the number of the fold.

        Returns:
            Why it failed; empty if it did not.
        """

        def train(checkpoints: Checkpoints) -> None:
            trained = fit_folds(settings, self._data, self._data.train, checkpoints)
            assert isinstance(trained.network, Bag)
            for fold, network in enumerate(trained.network.members):
                self.scores.save(f"{name}-{fold}", _scores(network, self.scores.rows))

        return self._attempt(settings, train)

    def _attempt(self, settings: Settings, train: Callable[[Checkpoints], None]) -> str:
        """Why a training failed; empty if it did not."""
        key = fingerprint(settings, self._data_hash)
        checkpoints = Checkpoints(self._folder / "checkpoints", key)
        failure = ""
        try:
            train(checkpoints)
        except NotFiniteError:
            failure = NOT_FINITE
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            failure = "out of memory"
        checkpoints.remove()
        return failure


@torch.no_grad()
def _scores(network: Scoring, rows: Rows) -> Tensor:
    return compute_scores(network, rows, torch.device("cpu"))


def _result(
    training: Training, history: Sequence[dict[str, float]], failure: str = NOT_FINITE
) -> Result:
    if not history:
        return Result(training, math.inf, 0, failure)
    best = min(history, key=lambda epoch: epoch[LOSS])
    return Result(training, best[LOSS], int(best["epoch"]))
