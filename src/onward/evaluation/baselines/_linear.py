"""The yardstick that says what a sum of the columns is worth."""

import warnings
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
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

ITERATIONS = 100  # scikit-learn's default
LEAST_ITERATIONS, LEAST_ROWS = 10, 1_000
EQUAL = 1e-9  # standard deviation, beside the largest number, from which on numbers differ
PRODUCTS = 4_000_000_000  # of a value and a weight, in all iterations: some 10 s


def linear(
    schema: Schema, train: pl.DataFrame, validation: pl.DataFrame, coverage: float, seed: int
) -> Predict:
    """scikit-learn's logistic or ridge regression, with its default settings.

    Categories are one-hot, numbers standardized, and what misses in training rows says so in a
    feature of its own. Numbers beyond those of the training rows count as the outermost of them.

    Differs: of large tables some rows are drawn, and if that is not enough, there are fewer
    iterations: see `PRODUCTS`.

    Args:
        schema: columns and target.
        train: raw rows to learn from.
        validation: raw rows that say how wide an interval is.
        coverage: share of rows whose truth an interval is to hold.
        seed: of the rows that are drawn.
    """
    width = len(schema.columns) * max(1, len(schema.target.classes) - 1)  # products of one row
    most = max(LEAST_ROWS, PRODUCTS // ITERATIONS // width)
    drawn = _drawn(targets_of(schema, train), most, schema, seed)
    products = len(drawn) * width
    iterations = max(LEAST_ITERATIONS, min(ITERATIONS, PRODUCTS // products))
    if schema.target.kind == "number":
        ridge = Ridge(solver="lsqr", max_iter=iterations)
        value = _fitted(ridge, ridge.predict, train[drawn], schema)
        return with_interval(value, schema, validation, coverage)
    logistic = LogisticRegression(max_iter=iterations)
    known = _fitted(logistic, logistic.predict_proba, train[drawn], schema)
    return with_label(known, logistic.classes_, schema)


def _drawn(targets: Array, most: int, schema: Schema, seed: int) -> Array:
    """Places of rows, at least one of each class: of one class there is nothing to learn."""
    order = np.random.default_rng(seed).permutation(len(targets))
    if schema.target.kind == "number":
        return np.sort(order[:most])
    _, first = np.unique(targets[order], return_index=True)
    return np.unique(np.concatenate([order[:most], order[first]]))


def _fitted(model: Any, predict: Any, train: pl.DataFrame, schema: Schema) -> Ask:
    features = _Features(schema, train)
    with threadpool_limits(1), warnings.catch_warnings():  # threads change the last digits
        warnings.simplefilter("ignore", ConvergenceWarning)  # the end of `ITERATIONS`
        model.fit(features(train), targets_of(schema, train), weights_of(train))

    def asked(rows: pl.DataFrame) -> Array:
        with threadpool_limits(1):
            answers: Array = predict(features(rows))
        return answers

    return asked


class _Features:
    """Raw rows to what a weight can be given to."""

    def __init__(self, schema: Schema, train: pl.DataFrame) -> None:
        self._encode = encoder(schema, train)
        raw = self._encode(train)
        is_code = np.zeros(raw.shape[1], bool)  # the last columns are parts of dates
        types = [semantic_type(field) for field in schema.columns]
        is_code[: len(types)] = [of == "category" for of in types]
        self._codes = np.flatnonzero(is_code)
        self._widths = np.nan_to_num(raw[:, self._codes]).max(0).astype(np.int64) + 2
        self._numbers = np.flatnonzero(~is_code & np.isfinite(raw).any(0))
        numbers = raw[:, self._numbers]
        self._missing = np.isnan(numbers).any(0)
        finite = np.where(np.isfinite(numbers), numbers, np.nan)
        self._ends = np.nanmin(finite, 0), np.nanmax(finite, 0)
        # squares of the largest numbers would overflow
        self._size = np.maximum(np.abs(self._ends).max(0), np.finfo(np.float64).tiny)
        within = self._within(numbers)
        self._mean, spread = np.nanmean(within, 0), np.nanstd(within, 0)
        self._spread = np.where(spread > EQUAL, spread, 1)

    def __call__(self, rows: pl.DataFrame) -> sparse.csr_matrix:
        raw = self._encode(rows)
        numbers = self._within(raw[:, self._numbers])
        scaled = np.nan_to_num((numbers - self._mean) / self._spread)
        parts = [scaled, np.isnan(numbers[:, self._missing]), self._one_hot(raw[:, self._codes])]
        return sparse.hstack([sparse.csr_matrix(part) for part in parts], "csr", np.float64)

    def _within(self, numbers: Array) -> Array:
        return np.asarray(np.clip(numbers, *self._ends) / self._size)

    def _one_hot(self, codes: Array) -> sparse.csr_matrix:
        # the last place of each column is for what is missing, and for what training has not seen
        places = np.where(np.isnan(codes), self._widths - 1, codes).astype(np.int64)
        places += np.cumsum(self._widths) - self._widths
        ends = np.arange(len(codes) + 1) * codes.shape[1]
        shape = (len(codes), int(self._widths.sum()))
        return sparse.csr_matrix((np.ones(places.size), places.ravel(), ends), shape)
