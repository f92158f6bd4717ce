"""Gradient-boosted trees, the strongest baseline on most tables."""

from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from onward.evaluation.baselines._encoding import encoder
from onward.evaluation.baselines._predictions import extend_to_all_classes, targets_of, weights_of
from onward.preprocessing.columns import semantic_type
from onward.schema import Schema
from onward.tasks import Array, Ask, Task

MAX_TREES = 2_000  # in total, one per class and round; with 100 rounds 50 classes take a minute
BOOSTING_ROUNDS = 100  # scikit-learn's default
ONE_THREAD_BELOW = 1_000_000  # values; with fewer, threads mostly wait (47 s instead of 0.4 s)


class BoostedTrees:
    """scikit-learn's histogram gradient boosting, with its default settings.

    Differs: no early stopping, which would hold out some training rows; fewer rounds for many
    classes, see `MAX_TREES`.

    Args:
        task: the task to learn.
        schema: the input columns.
        train: raw training rows.
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
        """Predictions of trees fitted by squared error."""
        trees = HistGradientBoostingRegressor(**self._settings)
        return self._fit(trees, trees.predict)

    def probabilities(self) -> Ask:
        """Predictions of trees fitted by log-loss."""
        classes = len(self._task.target.classes)
        rounds = (
            BOOSTING_ROUNDS if classes == 2 else min(BOOSTING_ROUNDS, max(1, MAX_TREES // classes))
        )
        trees = HistGradientBoostingClassifier(max_iter=rounds, **self._settings)
        ask = self._fit(trees, trees.predict_proba)
        return extend_to_all_classes(ask, trees.classes_, classes)

    def _fit(self, trees: Any, predict: Any) -> Ask:
        """Fit the trees, and return a function that predicts raw rows."""
        encode = encoder(self._schema, self._train)
        features = encode(self._train)
        has_values = ~np.isnan(features).all(0)  # scikit-learn refuses features without any value
        target, weights = targets_of(self._task, self._train), weights_of(self._train)
        with _threads(features):
            trees.fit(features[:, has_values], target, weights)

        def ask(rows: pl.DataFrame) -> Array:
            raw = encode(rows)[:, has_values]
            with _threads(raw):
                answers: Array = predict(raw)
            return answers

        return ask


def _threads(features: Array) -> threadpool_limits:
    """A context in which small inputs get one OpenMP thread."""
    return threadpool_limits(1 if features.size < ONE_THREAD_BELOW else None, "openmp")
