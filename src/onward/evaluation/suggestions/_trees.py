"""What boosted trees lose on validation rows, given some columns or others."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from onward.evaluation.baselines import BoostedTrees, targets_of
from onward.schema import Field, Schema
from onward.tasks import Predictions, Task

REFITS, SHARE = 3, 0.8  # of the training rows, other ones each time: what one fit gains by luck
# another one loses


class Trees:
    """Boosted trees that learn from training rows, and are asked about validation rows.

    Args:
        task: what they predict.
        train: rows with all columns that may be asked for.
        validation: rows with the same.
        seed: of the rows that each refit learns from.
    """

    def __init__(
        self, task: Task, train: pl.DataFrame, validation: pl.DataFrame, seed: int
    ) -> None:
        self._task, self._train, self._validation, self._seed = task, train, validation, seed
        draw, rows = np.random.default_rng(seed), len(train)
        self._parts = [draw.permutation(rows)[: round(SHARE * rows)] for _ in range(REFITS)]
        self._halves = draw.permutation(rows) % 2 == 0

    def losses(self, fields: Sequence[Field]) -> np.ndarray:
        """Those of the task, ``(refits, validation rows)``."""
        truth = targets_of(self._task, self._validation)
        fits = [
            self._asked(fields, self._train[part], self._validation)
            for part in map(np.sort, self._parts)
        ]
        return np.stack([self._task.losses(truth, predictions) for predictions in fits])

    def residuals(self, fields: Sequence[Field]) -> tuple[np.ndarray, np.ndarray]:
        """What is left to explain of training rows, ``(rows, outcomes)``, and a half of them.

        Trees of the other half predict each.
        """
        truth = targets_of(self._task, self._train)
        left = np.empty((len(truth), max(1, len(self._task.target.classes))))
        for half in (self._halves, ~self._halves):
            got = self._asked(fields, self._train.filter(~half), self._train.filter(half))
            left[half] = self._task.pseudo_residuals(truth[half], got)
        return left, self._halves

    def _asked(
        self, fields: Sequence[Field], train: pl.DataFrame, rows: pl.DataFrame
    ) -> Predictions:
        schema = Schema(tuple(fields), self._task.target)
        return self._task.answer(BoostedTrees(self._task, schema, train, self._seed))(rows)
