"""Predictions as numbers whose distribution can be watched, with labels and without."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onward.schema import Target

Array = np.ndarray
Predictions = Mapping[str, Array]
"""Outputs of a file, by name."""

WATCHED = 20  # classes; the rest has few rows each
LEAST = 1e-15  # a probability of 0 would make one row's loss infinite


@dataclass(frozen=True)
class Scores:
    """What each row says of its own quality, before and after its label is known."""

    name: str
    """Of the quality in question, a mean over rows: ``accuracy`` or ``mae``."""
    expected: Array
    """What the model itself expects, ``(rows,)``; 0 where it says nothing."""
    position: Array
    """By which rows are put into bins, to correct what it expects, ``(rows,)``."""


def watched(predictions: Predictions, target: Target) -> dict[str, Array]:
    """Numbers of each row, by what they are called.

    The probability of each class (of the second of two), or the value and the width of its
    interval.
    """
    if "probabilities" in predictions:
        probabilities = predictions["probabilities"].astype(np.float64)
        first = 1 if len(target.classes) == 2 else 0
        codes = range(first, min(len(target.classes), WATCHED))
        return {f"probability of {target.classes[code]}": probabilities[:, code] for code in codes}
    values = {"value": predictions["value"]} if "value" in predictions else {}
    if {"lower", "upper"} <= predictions.keys():
        values["interval width"] = predictions["upper"] - predictions["lower"]
    return values


def label_codes(labels: Array, classes: Sequence[str]) -> Array:
    """Labels by their place among the classes; -1 for another text."""
    known = {name: code for code, name in enumerate(classes)}
    return np.array([known.get(label, -1) for label in labels], np.int64)


def scores(predictions: Predictions, target: Target) -> Scores | None:
    """What the rows say of their quality; None for outputs of other tasks."""
    if "probabilities" in predictions:
        codes = label_codes(predictions["label"], target.classes)
        rows = np.arange(len(codes))
        probabilities = predictions["probabilities"].astype(np.float64)
        certainty = probabilities[rows, codes]
        # of two classes one may be predicted too surely and the other not
        position = probabilities[:, 1] if len(target.classes) == 2 else certainty
        return Scores("accuracy", certainty, position)
    if "value" in predictions:
        value = predictions["value"]
        return Scores("mae", np.zeros(len(value)), value)
    return None


def outcomes(predictions: Predictions, truth: Array, target: Target) -> dict[str, Array]:
    """What is known of each row once its label is: accuracy and log-loss, or error and coverage.

    Args:
        predictions: outputs of the file.
        truth: codes of classes, or numbers.
        target: of the model.
    """
    if "probabilities" in predictions:
        codes = label_codes(predictions["label"], target.classes)
        rows = np.arange(len(codes))
        chance = predictions["probabilities"].astype(np.float64)[rows, truth]
        return {
            "accuracy": (codes == truth).astype(np.float64),
            "log_loss": -np.log(chance.clip(LEAST, 1)),
        }
    if "value" not in predictions:
        return {}
    results = {"mae": np.abs(truth - predictions["value"])}
    if {"lower", "upper"} <= predictions.keys():
        is_inside = (predictions["lower"] <= truth) & (truth <= predictions["upper"])
        results["coverage"] = is_inside.astype(np.float64)
    return results


LOSSES = ("log_loss", "mae")
"""Of which one is among the outcomes; lower is better."""
