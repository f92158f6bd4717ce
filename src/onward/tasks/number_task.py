"""Tasks whose target is a number."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from onward.tasks._base import Estimator, Predict, Task, Validation
from onward.tasks.conformal import radius
from onward.tasks.metrics import Array, Metric, Predictions, absolute_errors, coverage


class NumberTask(Task):
    """The base of such tasks: a value and its interval, float64 in the file."""

    kind = "number"
    wire = "number"
    is_number = True
    outputs: ClassVar[tuple[str, ...]] = ("value", "lower", "upper")
    reliability = Metric("Interval coverage", coverage, "neither", 0, 1, "share")
    loss_title = "mean error"
    residual_signs = "too low or too high"

    @property
    def prediction_axis(self) -> str:
        """Names the target."""
        return f"predicted {self.target.name}"

    @property
    def residual_axis(self) -> str:
        """In the target's unit."""
        return "actual minus predicted"

    @classmethod
    def check_classes(cls, classes: Sequence[str]) -> None:
        """There are none."""
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
        """A value does not say how far off it may be."""
        return np.zeros(len(predictions["value"]))

    def pseudo_residuals(self, target: Array, predictions: Predictions) -> Array:
        """Those of the squared error."""
        return self.residuals(target, predictions)[:, None]

    def curves_by_output(self, target: Array, predictions: Predictions) -> Mapping[str, Array]:
        """The value."""
        return {"value": predictions["value"]}

    def errors(self, target: Array, predictions: Predictions) -> tuple[Array, Array]:
        """Too high is one kind, too low the other."""
        value = predictions["value"]
        return value != target, (value > target) * 1

    def describe(self, target: Array, predictions: Predictions) -> dict[str, Array | pl.Series]:
        """``residual`` is the truth minus the value."""
        value, residual = predictions["value"], self.residuals(target, predictions)
        return {"actual": target, "predicted": value, "residual": residual}

    def monitored(self, predictions: Predictions) -> dict[str, pl.Series]:
        """The value."""
        return {"value": pl.Series(predictions["value"])}

    def answer(self, estimator: Estimator) -> Predict:
        """A value without an interval."""
        ask = estimator.numbers()
        return lambda rows: {"value": ask(rows)}

    def calibrate(self, predict: Predict, validation: Validation) -> Predict:
        """With an interval that holds as many validation rows as the model's does.

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
