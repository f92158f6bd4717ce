"""Base class of regression tasks."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from onward.tasks._base import Estimator, Predict, Task, Validation
from onward.tasks.conformal import radius
from onward.tasks.metrics import Array, Metric, Predictions, absolute_errors, coverage


class NumberTask(Task):
    """Regression: a value and its interval, float64 in the file."""

    kind = "number"
    wire = "number"
    is_number = True
    outputs: ClassVar[tuple[str, ...]] = ("value", "lower", "upper")
    reliability = Metric("Interval coverage", coverage, "neither", 0, 1, "share")
    loss_title = "mean absolute error"
    residual_signs = "too low or too high"

    @property
    def prediction_axis(self) -> str:
        """With the name of the target."""
        return f"predicted {self.target.name}"

    @property
    def residual_axis(self) -> str:
        """In the target's unit."""
        return "actual minus predicted"

    @classmethod
    def check_classes(cls, classes: Sequence[str]) -> None:
        """A number has no classes."""
        if classes:
            raise ValueError("classes are for `kind: classes`; remove them")

    def encode(self, values: pl.Series) -> Array:
        """Numbers as they are."""
        return values.to_numpy().astype(np.float64)

    def read(self, predictions: Predictions) -> Predictions:
        """Numbers as they are."""
        return predictions

    def losses(self, target: Array, predictions: Predictions) -> Array:
        """Absolute error, in the target's unit."""
        return absolute_errors(target, predictions)

    def residuals(self, target: Array, predictions: Predictions) -> Array:
        """In the target's unit."""
        error: Array = target - predictions["value"]
        return error

    def variances(self, predictions: Predictions) -> Array:
        """Unknown: zeros."""
        return np.zeros(len(predictions["value"]))

    def pseudo_residuals(self, target: Array, predictions: Predictions) -> Array:
        """Those of the squared error."""
        return self.residuals(target, predictions)[:, None]

    def curves_by_output(self, target: Array, predictions: Predictions) -> Mapping[str, Array]:
        """The value."""
        return {"value": predictions["value"]}

    def errors(self, target: Array, predictions: Predictions) -> tuple[Array, Array]:
        """All inexact values; the kind is the sign of the error."""
        value = predictions["value"]
        return value != target, (value > target) * 1

    def describe(self, target: Array, predictions: Predictions) -> dict[str, Array | pl.Series]:
        """``residual`` is the target minus the value."""
        value, residual = predictions["value"], self.residuals(target, predictions)
        return {"actual": target, "predicted": value, "residual": residual}

    def monitored_outputs(self, predictions: Predictions) -> dict[str, pl.Series]:
        """The value."""
        return {"value": pl.Series(predictions["value"])}

    def answer(self, estimator: Estimator) -> Predict:
        """A value without an interval."""
        ask = estimator.numbers()
        return lambda rows: {"value": ask(rows)}

    def calibrate(self, predict: Predict, validation: Validation) -> Predict:
        """Add an interval with the same coverage of validation rows as the model's.

        Source: Papadopoulos et al. 2002, "Inductive Confidence Machines for Regression".
        """
        target, weights = validation.target, validation.weights
        ones = np.ones(len(target)) if weights is None else weights
        share = coverage(target, validation.predictions)(ones)
        reach = radius(self.losses(target, predict(validation.rows)), share, weights)

        def predict_interval(rows: pl.DataFrame) -> Predictions:
            value = predict(rows)["value"]
            return {"value": value, "lower": value - reach, "upper": value + reach}

        return predict_interval
