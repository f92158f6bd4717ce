"""The linear baseline."""

import warnings
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from onward.evaluation.baselines._encoding import encoder
from onward.evaluation.baselines._predictions import extend_to_all_classes, targets_of, weights_of
from onward.preprocessing.columns import semantic_type
from onward.schema import Schema
from onward.tasks import Array, Ask, Task
from onward.wires import wire_of

MAX_ITERATIONS = 100  # scikit-learn's default
MIN_ITERATIONS, MIN_LINEAR_ROWS = 10, 1_000
CONSTANT_BELOW = 1e-9  # standard deviation / largest number; below, a column is constant
MAX_PRODUCTS = 4_000_000_000  # multiplications in all iterations, some 10 s


class Linear:
    """scikit-learn's logistic or ridge regression, with its default settings.

    Categories are one-hot encoded and numbers standardized; columns with missing values get a
    missing-value indicator. Numbers are clipped to the range of the training rows.

    Differs: large tables are subsampled, and very wide ones get fewer iterations, see
    `MAX_PRODUCTS`.

    Args:
        task: the task to learn.
        schema: the input columns.
        train: raw training rows.
        seed: of the subsample.
    """

    def __init__(self, task: Task, schema: Schema, train: pl.DataFrame, seed: int) -> None:
        self._task, self._schema, self._train = task, schema, train
        # multiplications per row
        features = max(1, sum(wire_of(field.wire).size for field in schema.columns))
        self._width = features * max(1, len(task.target.classes) - 1)
        self._order = np.random.default_rng(seed).permutation(len(train))
        self._most = max(MIN_LINEAR_ROWS, MAX_PRODUCTS // MAX_ITERATIONS // self._width)

    def numbers(self) -> Ask:
        """Ridge regression."""
        rows = np.sort(self._order[: self._most])
        ridge = Ridge(solver="lsqr", max_iter=self._iterations(len(rows)))
        return self._fit(ridge, ridge.predict, rows)

    def probabilities(self) -> Ask:
        """Logistic regression."""
        # at least one row of each class: logistic regression needs two classes
        target = targets_of(self._task, self._train)
        _, first = np.unique(target[self._order], return_index=True)
        rows = np.unique(np.concatenate([self._order[: self._most], self._order[first]]))
        logistic = LogisticRegression(max_iter=self._iterations(len(rows)))
        ask = self._fit(logistic, logistic.predict_proba, rows)
        return extend_to_all_classes(ask, logistic.classes_, len(self._task.target.classes))

    def _iterations(self, rows: int) -> int:
        return max(MIN_ITERATIONS, min(MAX_ITERATIONS, MAX_PRODUCTS // (rows * self._width)))

    def _fit(self, model: Any, predict: Any, chosen: Array) -> Ask:
        train = self._train[chosen]
        features = _Features(self._schema, train)
        target, weights = targets_of(self._task, train), weights_of(train)
        with threadpool_limits(1), warnings.catch_warnings():  # more threads change the last digits
            warnings.simplefilter("ignore", ConvergenceWarning)  # reached `MAX_ITERATIONS`
            model.fit(features(train), target, weights)

        def ask(rows: pl.DataFrame) -> Array:
            with threadpool_limits(1):
                answers: Array = predict(features(rows))
            return answers

        return ask


class _Features:
    """Raw rows as a sparse feature matrix."""

    def __init__(self, schema: Schema, train: pl.DataFrame) -> None:
        self._encode = encoder(schema, train)
        raw = self._encode(train)
        is_code = np.zeros(raw.shape[1], bool)  # parts of dates are the last columns
        types = [semantic_type(field) for field in schema.columns]
        is_code[: len(types)] = [of == "category" for of in types]
        self._codes = np.flatnonzero(is_code)
        self._widths = np.nan_to_num(raw[:, self._codes]).max(0).astype(np.int64) + 2
        self._numbers = np.flatnonzero(~is_code & np.isfinite(raw).any(0))
        numbers = raw[:, self._numbers]
        self._missing = np.isnan(numbers).any(0)
        finite = np.where(np.isfinite(numbers), numbers, np.nan)
        self._ends = np.nanmin(finite, 0), np.nanmax(finite, 0)
        # without scaling, squares of the largest numbers would overflow
        self._size = np.maximum(np.abs(self._ends).max(0), np.finfo(np.float64).tiny)
        within = self._clip(numbers)
        self._mean, spread = np.nanmean(within, 0), np.nanstd(within, 0)
        self._spread = np.where(spread > CONSTANT_BELOW, spread, 1)

    def __call__(self, rows: pl.DataFrame) -> sparse.csr_matrix:
        raw = self._encode(rows)
        numbers = self._clip(raw[:, self._numbers])
        scaled = np.nan_to_num((numbers - self._mean) / self._spread)
        parts = [scaled, np.isnan(numbers[:, self._missing]), self._one_hot(raw[:, self._codes])]
        return sparse.hstack([sparse.csr_matrix(part) for part in parts], "csr", np.float64)

    def _clip(self, numbers: Array) -> Array:
        return np.asarray(np.clip(numbers, *self._ends) / self._size)

    def _one_hot(self, codes: Array) -> sparse.csr_matrix:
        # the last position of each column is for missing and unseen categories
        positions = np.where(np.isnan(codes), self._widths - 1, codes).astype(np.int64)
        positions += np.cumsum(self._widths) - self._widths
        ends = np.arange(len(codes) + 1) * codes.shape[1]
        shape = (len(codes), int(self._widths.sum()))
        return sparse.csr_matrix((np.ones(positions.size), positions.ravel(), ends), shape)
