"""The yardstick that is hard to beat on tables."""

from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from onward.evaluation.baselines._encoding import encoder
from onward.evaluation.baselines._predictions import of_all_classes, targets_of, weights_of
from onward.preprocessing.columns import semantic_type
from onward.schema import Schema
from onward.tasks import Array, Ask, Task

TREES = 2_000  # in total, one for each class and round: 50 classes take a minute otherwise
ROUNDS = 100  # scikit-learn's default
SMALL = 1_000_000  # values; of fewer, threads wait for each other longer than they work: on two
# busy cores for 47 s in place of 0.4 s


class BoostedTrees:
    """scikit-learn's histogram gradient boosting, with its default settings.

    Differs: no early stopping, which would set some training rows aside; with many classes fewer
    rounds, see `TREES`.

    Args:
        task: what is predicted.
        schema: the columns.
        train: raw rows to learn from.
        seed: of the bins.
    """

    def __init__(self, task: Task, schema: Schema, train: pl.DataFrame, seed: int) -> None:
        types = [semantic_type(field) for field in schema.columns]
        categorical = [index for index, of in enumerate(types) if of == "category"]
        self._task, self._schema, self._train = task, schema, train
        self._settings = {
            "categorical_features": categorical,
            "early_stopping": False,
            "random_state": seed,
        }

    def numbers(self) -> Ask:
        """By squared error."""
        trees = HistGradientBoostingRegressor(**self._settings)
        return self._fitted(trees, trees.predict)

    def probabilities(self) -> Ask:
        """By log-loss."""
        classes = len(self._task.target.classes)
        rounds = ROUNDS if classes == 2 else min(ROUNDS, max(1, TREES // classes))
        trees = HistGradientBoostingClassifier(max_iter=rounds, **self._settings)
        ask = self._fitted(trees, trees.predict_proba)
        return of_all_classes(ask, trees.classes_, classes)

    def _fitted(self, trees: Any, predict: Any) -> Ask:
        """Fit, and give what asks the trees about raw rows."""
        encode = encoder(self._schema, self._train)
        features = encode(self._train)
        kept = ~np.isnan(features).all(0)  # scikit-learn stops at a feature that no row has
        target, weights = targets_of(self._task, self._train), weights_of(self._train)
        with _threads(features):
            trees.fit(features[:, kept], target, weights)

        def ask(rows: pl.DataFrame) -> Array:
            raw = encode(rows)[:, kept]
            with _threads(raw):
                answers: Array = predict(raw)
            return answers

        return ask


def _threads(features: Array) -> threadpool_limits:
    """Within, OpenMP has one thread if there is little to do."""
    return threadpool_limits(1 if features.size < SMALL else None, "openmp")
