"""What boosted trees lose on validation rows, given some columns or others."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from onward.evaluation.baselines import boosted_trees, targets_of
from onward.schema import Field, Schema, Target

REFITS, SHARE = 3, 0.8  # of the training rows, other ones each time: what one fit gains by luck
# another one loses
LEAST = float(np.finfo(np.float32).eps)  # of a probability
COVERAGE = 0.9  # of intervals, which nobody looks at here


class Trees:
    """Boosted trees that learn from training rows, and are asked about validation rows.

    Args:
        target: what they predict.
        train: rows with all columns that may be asked for.
        validation: rows with the same.
        seed: of the rows that each refit learns from.
    """

    def __init__(
        self, target: Target, train: pl.DataFrame, validation: pl.DataFrame, seed: int
    ) -> None:
        self._target, self._train, self._validation, self._seed = target, train, validation, seed
        draw, rows = np.random.default_rng(seed), len(train)
        self._parts = [draw.permutation(rows)[: round(SHARE * rows)] for _ in range(REFITS)]
        self._halves = draw.permutation(rows) % 2 == 0

    def losses(self, fields: Sequence[Field]) -> np.ndarray:
        """``(refits, validation rows)``: absolute errors of numbers, log losses of classes."""
        fits = [
            self._asked(fields, self._train[part], self._validation)
            for part in map(np.sort, self._parts)
        ]
        return np.stack([self._loss(predictions) for predictions in fits])

    def residuals(self, fields: Sequence[Field]) -> tuple[np.ndarray, np.ndarray]:
        """What is left to explain of training rows, ``(rows, outcomes)``, and a half of them.

        Trees of the other half predict each.
        """
        truth = targets_of(Schema(tuple(fields), self._target), self._train)
        classes = max(1, len(self._target.classes))
        left = np.empty((len(truth), classes))
        for half in (self._halves, ~self._halves):
            got = self._asked(fields, self._train.filter(~half), self._train.filter(half))
            if self._target.kind == "number":
                left[half, 0] = truth[half] - got["value"]
            else:
                left[half] = np.equal(truth[half, None], range(classes)) - got["probabilities"]
        return left, self._halves

    def _asked(
        self, fields: Sequence[Field], train: pl.DataFrame, rows: pl.DataFrame
    ) -> Mapping[str, np.ndarray]:
        schema = Schema(tuple(fields), self._target)
        return boosted_trees(schema, train, train, COVERAGE, self._seed)(rows)

    def _loss(self, predictions: Mapping[str, np.ndarray]) -> np.ndarray:
        truth = targets_of(Schema((), self._target), self._validation)
        if self._target.kind == "number":
            errors: np.ndarray = np.abs(truth - predictions["value"])
            return errors
        known = predictions["probabilities"][np.arange(len(truth)), truth]
        losses: np.ndarray = -np.log(np.maximum(known, LEAST))
        return losses
