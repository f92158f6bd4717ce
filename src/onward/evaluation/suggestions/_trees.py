"""Losses of boosted trees on validation rows for a choice of columns."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from onward.evaluation.baselines import BoostedTrees, targets_of
from onward.schema import Field, Schema
from onward.tasks import Predictions, Task

REFITS, REFIT_SHARE = 3, 0.8  # of random shares of the training rows: chance gains differ


class Trees:
    """Boosted trees, fitted on training rows and evaluated on validation rows.

    Args:
        task: the task of the trees.
        train: rows with all columns that may be chosen.
        validation: rows with the same columns.
        seed: of the rows of each refit.
    """

    def __init__(
        self, task: Task, train: pl.DataFrame, validation: pl.DataFrame, seed: int
    ) -> None:
        self._task, self._train, self._validation, self._seed = task, train, validation, seed
        draw, rows = np.random.default_rng(seed), len(train)
        self._parts = [draw.permutation(rows)[: round(REFIT_SHARE * rows)] for _ in range(REFITS)]
        self._halves = draw.permutation(rows) % 2 == 0

    def losses(self, fields: Sequence[Field]) -> np.ndarray:
        """Loss of each validation row in each refit, ``(refits, validation rows)``."""
        truth = targets_of(self._task, self._validation)
        fits = [
            self._predict(fields, self._train[part], self._validation)
            for part in map(np.sort, self._parts)
        ]
        return np.stack([self._task.losses(truth, predictions) for predictions in fits])

    def residuals(self, fields: Sequence[Field]) -> tuple[np.ndarray, np.ndarray]:
        """Cross-fitted residuals of the training rows, ``(rows, outcomes)``, and the halves.

        Trees fitted on one half predict the other.
        """
        truth = targets_of(self._task, self._train)
        left = np.empty((len(truth), max(1, len(self._task.target.classes))))
        for half in (self._halves, ~self._halves):
            predictions = self._predict(fields, self._train.filter(~half), self._train.filter(half))
            left[half] = self._task.pseudo_residuals(truth[half], predictions)
        return left, self._halves

    def _predict(
        self, fields: Sequence[Field], train: pl.DataFrame, rows: pl.DataFrame
    ) -> Predictions:
        schema = Schema(tuple(fields), self._task.target)
        return self._task.answer(BoostedTrees(self._task, schema, train, self._seed))(rows)
