"""Predictions as those of an exported file, and the truth they are compared with."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from onward.metrics import Array, Predictions
from onward.schema import Schema

Predict = Callable[[pl.DataFrame], Predictions]
Ask = Callable[[pl.DataFrame], Array]


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


def with_interval(value: Ask, schema: Schema, validation: pl.DataFrame, coverage: float) -> Predict:
    """Numbers, and around them what held the truth of the asked share of validation rows.

    Source: Papadopoulos et al. 2002, "Inductive Confidence Machines for Regression".
    """
    errors = np.sort(np.abs(targets_of(schema, validation) - value(validation)))
    place = math.ceil((len(errors) + 1) * coverage)  # the place counts from 1
    radius = float(errors[min(place, len(errors)) - 1])

    def predict(rows: pl.DataFrame) -> Predictions:
        found = value(rows)
        return {"value": found, "lower": found - radius, "upper": found + radius}

    return predict


def with_label(known: Ask, codes: Array, schema: Schema) -> Predict:
    """Probabilities of all classes, and the likeliest.

    Args:
        known: probabilities of the classes that training has.
        codes: of these classes; the others have none.
        schema: for all classes.
    """

    def predict(rows: pl.DataFrame) -> Predictions:
        probabilities = np.zeros((len(rows), len(schema.target.classes)))
        probabilities[:, codes] = known(rows)
        return {"label": probabilities.argmax(1), "probabilities": probabilities}

    return predict
