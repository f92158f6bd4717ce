"""The yardstick that is hard to beat on tables."""

from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from onward.evaluation.baselines._encoding import encoder
from onward.evaluation.baselines._predictions import (
    Ask,
    Predict,
    targets_of,
    weights_of,
    with_interval,
    with_label,
)
from onward.preprocessing.columns import semantic_type
from onward.schema import Schema
from onward.tasks.metrics import Array

TREES = 2_000  # in total, one for each class and round: 50 classes take a minute otherwise
ROUNDS = 100  # scikit-learn's default
SMALL = 1_000_000  # values; of fewer, threads wait for each other longer than they work: on two
# busy cores for 47 s in place of 0.4 s


def boosted_trees(
    schema: Schema, train: pl.DataFrame, validation: pl.DataFrame, coverage: float, seed: int
) -> Predict:
    """scikit-learn's histogram gradient boosting, with its default settings.

    Differs: no early stopping, which would set some training rows aside; with many classes fewer
    rounds, see `TREES`.

    Args:
        schema: columns and target.
        train: raw rows to learn from.
        validation: raw rows that say how wide an interval is.
        coverage: share of rows whose truth an interval is to hold.
        seed: of the bins.
    """
    types = [semantic_type(field) for field in schema.columns]
    categorical = [index for index, of in enumerate(types) if of == "category"]
    settings = {"categorical_features": categorical, "early_stopping": False, "random_state": seed}
    if schema.target.kind == "number":
        numbers = HistGradientBoostingRegressor(**settings)
        value = _fitted(numbers, numbers.predict, train, schema)
        return with_interval(value, schema, validation, coverage)
    classes = len(schema.target.classes)
    rounds = ROUNDS if classes == 2 else min(ROUNDS, max(1, TREES // classes))
    trees = HistGradientBoostingClassifier(max_iter=rounds, **settings)
    known = _fitted(trees, trees.predict_proba, train, schema)
    return with_label(known, trees.classes_, schema)


def _fitted(trees: Any, predict: Any, train: pl.DataFrame, schema: Schema) -> Ask:
    """Fit, and give what asks the trees about raw rows."""
    encode = encoder(schema, train)
    features = encode(train)
    kept = ~np.isnan(features).all(0)  # scikit-learn stops at a feature that no row has
    with _threads(features):
        trees.fit(features[:, kept], targets_of(schema, train), weights_of(train))

    def asked(rows: pl.DataFrame) -> Array:
        raw = encode(rows)[:, kept]
        with _threads(raw):
            answers: Array = predict(raw)
        return answers

    return asked


def _threads(features: Array) -> threadpool_limits:
    """Within, OpenMP has one thread if there is little to do."""
    return threadpool_limits(1 if features.size < SMALL else None, "openmp")
