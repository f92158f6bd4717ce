"""What all diagnostics look at."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from onward.schema import Field, Schema
from onward.tasks.metrics import LEAST, Array, Predictions


@dataclass(frozen=True)
class HeldOut:
    """Rows that nothing was learned from, and what is predicted for them."""

    schema: Schema
    rows: pl.DataFrame
    """The model's columns, raw."""
    row_numbers: Array
    """Which row of the table each of them is, from 1."""
    target: Array
    """Codes of classes, or numbers."""
    predictions: Predictions
    yardstick: Predictions
    """Of another model, for the same rows."""

    @property
    def columns(self) -> tuple[Field, ...]:
        """The model's."""
        return self.schema.columns

    def some(self, most: int, random: np.random.Generator) -> "HeldOut":
        """At most so many rows, drawn, in their order."""
        if len(self.target) <= most:
            return self
        return self.where(np.sort(random.permutation(len(self.target))[:most]))

    def where(self, chosen: Array) -> "HeldOut":
        """The rows at these places, or where the mask is true."""
        predictions, yardstick = (
            {name: values[chosen] for name, values in each.items()}
            for each in (self.predictions, self.yardstick)
        )
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return replace(
            self,
            rows=self.rows[places],
            row_numbers=self.row_numbers[chosen],
            target=self.target[chosen],
            predictions=predictions,
            yardstick=yardstick,
        )


def losses(target: Array, predictions: Predictions) -> Array:
    """How wrong each row is: distance of a number, in its unit; log-loss of a class, in nats."""
    if "value" in predictions:
        distance: Array = np.abs(target - predictions["value"])
        return distance
    surprise: Array = -np.log(of_truth(target, predictions).clip(LEAST, 1))
    return surprise


def of_truth(target: Array, predictions: Predictions) -> Array:
    """The probability that was given to the true class."""
    return _picked(predictions, target)


def residuals(target: Array, predictions: Predictions) -> Array:
    """Truth minus prediction.

    With two classes, what happened (0 or 1) minus the probability of the second; with more,
    whether the label is right minus the probability that it is.
    """
    if "value" in predictions:
        error: Array = target - predictions["value"]
        return error
    happened = target == 1 if _is_binary(predictions) else target == predictions["label"]
    surplus: Array = happened - _probability(predictions)
    return surplus


def variances(predictions: Predictions) -> Array:
    """Of each residual, if its probability is right; 0 where the model does not say."""
    if "value" in predictions:
        return np.zeros(len(predictions["value"]))
    probability = _probability(predictions)
    of_chance: Array = probability * (1 - probability)
    return of_chance


def _is_binary(predictions: Predictions) -> bool:
    return int(predictions["probabilities"].shape[1]) == 2


def _probability(predictions: Predictions) -> Array:
    label = predictions["label"]
    return _picked(predictions, np.ones_like(label) if _is_binary(predictions) else label)


def _picked(predictions: Predictions, codes: Array) -> Array:
    """Of each row the probability of one class."""
    probabilities = predictions["probabilities"].astype(np.float64)
    picked: Array = probabilities[np.arange(len(codes)), codes]
    return picked
