"""Predictions as those of an exported file, and the truth they are compared with."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from onward.schema import Schema
from onward.serving.predictor import Predictor
from onward.tasks.metrics import Array, Predictions

WEIGHT = "onward/weight"  # of raw rows that do not count alike; no name of a column

Predict = Callable[[pl.DataFrame], Predictions]
Ask = Callable[[pl.DataFrame], Array]


def targets_of(schema: Schema, rows: pl.DataFrame) -> Array:
    """The truth as metrics read it: codes of classes, or numbers."""
    values = rows[schema.target.name]
    if schema.target.kind == "number":
        return values.to_numpy()
    return codes_of(schema.target.classes, values)


def weights_of(rows: pl.DataFrame) -> Array | None:
    """How much each row counts; None where all count alike."""
    return rows[WEIGHT].to_numpy() if WEIGHT in rows.columns else None


def exported(predictor: Predictor) -> Predict:
    """The file itself, with labels as codes."""
    target = predictor.schema.target
    names = [field.name for field in predictor.schema.columns]

    def predict(rows: pl.DataFrame) -> Predictions:
        predictions = predictor(rows.select(names))  # there may be columns that it does without
        if target.kind == "number":
            return predictions
        labels = pl.Series(predictions["label"].tolist(), dtype=pl.String)
        return predictions | {"label": codes_of(target.classes, labels)}

    return predict


def codes_of(classes: Sequence[str], values: pl.Series) -> Array:
    """The place of each value among the classes."""
    places = list(range(len(classes)))
    return values.replace_strict(list(classes), places, return_dtype=pl.Int64).to_numpy()


def with_interval(value: Ask, schema: Schema, validation: pl.DataFrame, coverage: float) -> Predict:
    """Numbers, and around them what held the truth of the asked share of validation rows.

    Source: Papadopoulos et al. 2002, "Inductive Confidence Machines for Regression".
    """
    radius = _radius(
        np.abs(targets_of(schema, validation) - value(validation)), coverage, weights_of(validation)
    )

    def predict(rows: pl.DataFrame) -> Predictions:
        found = value(rows)
        return {"value": found, "lower": found - radius, "upper": found + radius}

    return predict


def _radius(errors: Array, coverage: float, weights: Array | None) -> float:
    order = np.argsort(errors, kind="stable")
    weighed = np.cumsum(np.ones(len(errors)) if weights is None else weights[order])
    wanted = coverage * (weighed[-1] + weighed[-1] / len(errors))  # a new row has the mean weight
    place = int(np.searchsorted(weighed, wanted))
    return float(errors[order][min(place, len(errors) - 1)])


def with_label(known: Ask, codes: Array, schema: Schema) -> Predict:
    """Probabilities of all classes, and the likeliest.

    Args:
        known: probabilities of the classes that training has.
        codes: of these classes; the others have none.
        schema: for all classes.
    """

    def predict(rows: pl.DataFrame) -> Predictions:
        probabilities = np.zeros((len(rows), len(schema.target.classes)))
        # trees that have seen one class answer with two columns
        probabilities[:, codes] = known(rows)[:, : len(codes)]
        return {"label": probabilities.argmax(1), "probabilities": probabilities}

    return predict
