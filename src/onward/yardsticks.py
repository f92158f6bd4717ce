"""What predictions are measured against: a constant, and gradient-boosted trees.

Both learn from the training rows, and see the same raw values as the exported file. Intervals of
numbers are split-conformal, from the validation rows, as those of our own heads.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from onward.metrics import Array, Predictions
from onward.schema import Field, Schema

MOST = 254  # categories; scikit-learn takes 255, and one is all that are rarer
TREES = 2_000  # in total, one for each class and round: 50 classes take a minute otherwise
ROUNDS = 100  # scikit-learn's default
SMALL = 1_000_000  # values; of fewer, threads wait for each other longer than they work: on two
# busy cores for 47 s in place of 0.4 s
CLOCK = (("%Y-%m-%d %H:%M:%S", 19), ("%Y-%m-%d %H:%M", 16), ("%Y-%m-%d", 10))  # with its length

Predict = Callable[[pl.DataFrame], Predictions]
Encode = Callable[[pl.DataFrame], Array]


def targets_of(schema: Schema, rows: pl.DataFrame) -> Array:
    """The truth as metrics read it: codes of classes, or numbers."""
    values = rows[schema.target.name]
    if schema.target.kind == "number":
        return values.to_numpy()
    return codes_of(schema.target.classes, values)


def codes_of(classes: Sequence[str], values: pl.Series) -> Array:
    """The place of each value among the classes."""
    places = list(range(len(classes)))
    return values.replace_strict(list(classes), places, return_dtype=pl.Int64).to_numpy()


def constant(
    schema: Schema, train: pl.DataFrame, validation: pl.DataFrame, coverage: float
) -> Predict:
    """The best that can be said without looking at any column."""
    target = targets_of(schema, train)
    if schema.target.kind == "number":
        mean = float(target.mean())
        radius = _radius(np.abs(targets_of(schema, validation) - mean), coverage)
        return lambda rows: _interval(np.full(len(rows), mean), radius)
    shares = np.bincount(target, minlength=len(schema.target.classes)) / len(target)
    return lambda rows: _labeled(np.tile(shares, (len(rows), 1)))


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
    encode = _encoder(schema, train)
    categorical = [place for place, f in enumerate(schema.columns) if is_categorical(f)]
    settings = {"categorical_features": categorical, "early_stopping": False, "random_state": seed}
    if schema.target.kind == "classes":
        return _classifier(schema, encode, train, settings)
    trees = HistGradientBoostingRegressor(**settings)
    value = _fitted(trees, trees.predict, encode, train, schema)
    radius = _radius(np.abs(targets_of(schema, validation) - value(validation)), coverage)
    return lambda rows: _interval(value(rows), radius)


def _classifier(
    schema: Schema, encode: Encode, train: pl.DataFrame, settings: Mapping[str, Any]
) -> Predict:
    number = len(schema.target.classes)
    rounds = ROUNDS if number == 2 else min(ROUNDS, max(1, TREES // number))
    trees = HistGradientBoostingClassifier(max_iter=rounds, **settings)
    known = _fitted(trees, trees.predict_proba, encode, train, schema)

    def predict(rows: pl.DataFrame) -> Predictions:
        probabilities = np.zeros((len(rows), number))
        probabilities[:, trees.classes_] = known(rows)  # none for a class that is not in training
        return _labeled(probabilities)

    return predict


def _fitted(
    trees: Any, ask: Callable[[Array], Array], encode: Encode, train: pl.DataFrame, schema: Schema
) -> Encode:
    """Fit, and give what asks the trees about raw rows."""
    features = encode(train)
    kept = ~np.isnan(features).all(0)  # scikit-learn stops at a feature that no row has
    with _threads(features):
        trees.fit(features[:, kept], targets_of(schema, train))

    def asked(rows: pl.DataFrame) -> Array:
        raw = encode(rows)[:, kept]
        with _threads(raw):
            return ask(raw)

    return asked


def _threads(features: Array) -> threadpool_limits:
    """Within, OpenMP has one thread if there is little to do."""
    return threadpool_limits(1 if features.size < SMALL else None, "openmp")


def is_categorical(field: Field) -> bool:
    """Whether a tree splits the column by sets of values."""
    return field.type == "categorical" or (field.wire == "text" and field.type != "datetime")


def _encoder(schema: Schema, train: pl.DataFrame) -> Encode:
    """Raw rows to float64; NaN is missing, and so is a category that training has not seen."""
    known = {
        field.name: _common(train[field.name]) for field in schema.columns if is_categorical(field)
    }

    def encode(rows: pl.DataFrame) -> Array:
        columns = [_numbers(field, rows[field.name], known) for field in schema.columns]
        dates = [part for field in schema.columns for part in _parts(field, rows[field.name])]
        return np.stack([*columns, *dates], axis=1)

    return encode


def _common(values: pl.Series) -> Mapping[object, float]:
    counts = values.drop_nulls().alias("value").value_counts(name="rows")
    ordered = counts.sort("rows", "value", descending=[True, False])["value"].to_list()
    return {value: float(min(place, MOST)) for place, value in enumerate(ordered)}


def _numbers(field: Field, values: pl.Series, known: Mapping[str, Mapping[object, float]]) -> Array:
    if field.name in known:
        table = known[field.name]
        codes = values.replace_strict(
            list(table), list(table.values()), default=None, return_dtype=pl.Float64
        )
        return codes.to_numpy()
    if field.type == "datetime":
        return moments(values).dt.epoch("s").cast(pl.Float64).to_numpy()
    return values.cast(pl.Float64).to_numpy()


def _parts(field: Field, values: pl.Series) -> list[Array]:
    """Month, weekday and hour of a date; trees cannot find them in seconds."""
    if field.type != "datetime":
        return []
    dates = moments(values)
    parts = (dates.dt.month(), dates.dt.weekday(), dates.dt.hour())
    return [part.cast(pl.Float64).to_numpy() for part in parts]


def moments(values: pl.Series) -> pl.Series:
    """As the clock says, whatever its offset; null where it is none."""
    slashed = [values.str.to_datetime(form, strict=False) for form in ("%m/%d/%Y", "%d/%m/%Y")]
    best = min(slashed, key=lambda dates: dates.null_count())
    if best.null_count() < len(values):
        return best
    plain = values.str.replace("T", " ", literal=True)
    read = [
        plain.str.slice(0, length).str.to_datetime(form, strict=False) for form, length in CLOCK
    ]
    return pl.select(pl.coalesce(*read)).to_series()


def _radius(errors: Array, coverage: float) -> float:
    place = math.ceil((len(errors) + 1) * coverage)  # the place counts from 1
    return float(np.sort(errors)[min(place, len(errors)) - 1])


def _interval(value: Array, radius: float) -> Predictions:
    return {"value": value, "lower": value - radius, "upper": value + radius}


def _labeled(probabilities: Array) -> Predictions:
    return {"label": probabilities.argmax(1), "probabilities": probabilities}
