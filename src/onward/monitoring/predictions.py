"""Predictions as numbers to monitor, with and without labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onward.schema import Target

Array = np.ndarray
Predictions = Mapping[str, Array]
"""Outputs of a file, by name."""

WATCHED = 20  # classes; the others have few rows each
LEAST = 1e-15  # a probability of 0 would make one row's loss infinite


@dataclass(frozen=True)
class Scores:
    """The expected quality of each row, before its label is known."""

    name: str
    """Name of the quality, a mean over rows: ``accuracy`` or ``mae``."""
    expected: Array
    """The quality that the model expects, ``(rows,)``; 0 if it predicts none."""
    position: Array
    """The number that decides the bin of the correction, ``(rows,)``."""


def monitored_values(predictions: Predictions, target: Target) -> dict[str, Array]:
    """Numbers of each row, by name.

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
    """Codes of labels; -1 for unknown ones."""
    known = {name: code for code, name in enumerate(classes)}
    return np.array([known.get(label, -1) for label in labels], np.int64)


def scores(predictions: Predictions, target: Target) -> Scores | None:
    """The expected quality of the rows; None for outputs of other tasks."""
    if "probabilities" in predictions:
        codes = label_codes(predictions["label"], target.classes)
        rows = np.arange(len(codes))
        probabilities = predictions["probabilities"].astype(np.float64)
        certainty = probabilities[rows, codes]
        # of two classes, one may be overconfident and the other not
        position = probabilities[:, 1] if len(target.classes) == 2 else certainty
        return Scores("accuracy", certainty, position)
    if "value" in predictions:
        value = predictions["value"]
        return Scores("mae", np.zeros(len(value)), value)
    return None


def outcomes(predictions: Predictions, truth: Array, target: Target) -> dict[str, Array]:
    """The actual quality of each row: accuracy and log-loss, or error and coverage.

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
"""Outcomes for which lower is better."""


def loss_of(of_rows: Mapping[str, Array]) -> Array | None:
    """The loss among the outcomes; None for outputs of other tasks."""
    return next((of_rows[name] for name in LOSSES if name in of_rows), None)


def calibrated(predictions: Predictions, truth: Array, target: Target) -> tuple[Array, Array]:
    """What the model claims of each row, and what came.

    The probability of the second of two classes and whether it came; of more classes the
    probability of the label and whether it is right; the value and the actual one.

    Args:
        predictions: outputs of the file, with probabilities or a value.
        truth: codes of classes, or numbers.
        target: of the model.
    """
    of_rows = scores(predictions, target)
    assert of_rows is not None
    if not target.classes:
        return of_rows.position.astype(np.float64), truth
    is_second = len(target.classes) == 2
    codes = np.int64(1) if is_second else label_codes(predictions["label"], target.classes)
    return of_rows.position, (truth == codes).astype(np.float64)
