"""Base class of classification tasks."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from onward.tasks._base import Ask, Card, Estimator, Plot, Predict, Selection, Task
from onward.tasks.metrics import (
    Array,
    Metric,
    Predictions,
    label_calibration_error,
    log_losses,
    of_class,
)

DRAWN = 5  # classes in charts of predictions

CALIBRATION = Plot(
    "calibration.csv",
    "probability",
    ("frequency", "lower", "upper"),
    {"x_label": "predicted probability", "y_label": "observed frequency"},
)
CONFUSION = Plot("labels.csv", "actual", ("predicted",), {"template": "confusion"})


class ClassTask(Task):
    """Classification: a label, and the probability of each class."""

    kind = "classes"
    wire = "text"
    has_labels = True
    outputs: ClassVar[tuple[str, ...]] = ("label", "probabilities")
    reliability = Metric("Calibration error", label_calibration_error, "lower", 0, 1)
    loss_title = "log-loss"
    summary = "Predictions of {target} are correct in {accuracy} of rows."
    residual_signs = "overconfident or underconfident"

    @abstractmethod
    def judged_class(self, predictions: Predictions) -> Array:
        """Code of the class of each row for residuals: is the row of it, minus its probability."""

    @abstractmethod
    def shown_classes(self, target: Array, most: int) -> Sequence[int]:
        """Codes of the classes in tables and charts."""

    @classmethod
    def check_classes(cls, classes: Sequence[str]) -> None:
        """At least two distinct classes are needed."""
        if len(set(classes)) < 2:
            raise ValueError("kind: classes needs `classes: [...]` with two or more values")
        if len(set(classes)) < len(classes):
            raise ValueError("classes has duplicate values")

    def encode(self, values: pl.Series) -> Array:
        """The code of each value: its index among the classes."""
        classes = list(self.target.classes)
        codes = list(range(len(classes)))
        return values.replace_strict(classes, codes, return_dtype=pl.Int64).to_numpy()

    def read(self, predictions: Predictions) -> Predictions:
        """Labels as codes."""
        labels = pl.Series(predictions["label"].tolist(), dtype=pl.String)
        return {**predictions, "label": self.encode(labels)}

    def losses(self, target: Array, predictions: Predictions) -> Array:
        """Log-loss, in nats."""
        return log_losses(target, predictions)

    def residuals(self, target: Array, predictions: Predictions) -> Array:
        """Whether the row is of its judged class (0 or 1), minus the probability of it."""
        codes = self.judged_class(predictions)
        surplus: Array = (target == codes) - of_class(predictions, codes)
        return surplus

    def variances(self, predictions: Predictions) -> Array:
        """Bernoulli variance."""
        probability = of_class(predictions, self.judged_class(predictions))
        variance: Array = probability * (1 - probability)
        return variance

    def pseudo_residuals(self, target: Array, predictions: Predictions) -> Array:
        """1 or 0 for each class, minus its probability."""
        surplus: Array = np.equal(target[:, None], range(len(self.target.classes)))
        return surplus - predictions["probabilities"]

    def curves_by_output(self, target: Array, predictions: Predictions) -> Mapping[str, Array]:
        """Probabilities of the shown classes."""
        probabilities = predictions["probabilities"].astype(np.float64)
        codes = self.shown_classes(target, DRAWN)
        return {self.target.classes[code]: probabilities[:, code] for code in codes}

    def errors(self, target: Array, predictions: Predictions) -> tuple[Array, Array]:
        """Wrong labels; the kind is the pair of classes."""
        label = predictions["label"]
        return label != target, target * len(self.target.classes) + label

    def describe(self, target: Array, predictions: Predictions) -> dict[str, Array | pl.Series]:
        """With ``certainty`` and ``probability``, those of the predicted and of the true class."""
        names, label = self.target.classes, predictions["label"]
        return {
            "actual": pl.Series([names[code] for code in target], dtype=pl.String),
            "predicted": pl.Series([names[code] for code in label], dtype=pl.String),
            "certainty": of_class(predictions, label),
            "probability": of_class(predictions, target),
        }

    def selections(self, target: Array, predictions: Predictions, most: int) -> Iterator[Selection]:
        """The rows with each shown class as label."""
        probabilities = predictions["probabilities"].astype(np.float64)
        for code in self.shown_classes(target, most):
            happened, selected = target == code, predictions["label"] == code
            yield Selection(self.target.classes[code], happened, selected, probabilities[:, code])

    def monitored_outputs(self, predictions: Predictions) -> dict[str, pl.Series]:
        """Labels."""
        return {"label": pl.Series(predictions["label"], dtype=pl.String)}

    def answer(self, estimator: Estimator) -> Predict:
        """Probabilities, and the most probable class."""
        ask: Ask = estimator.probabilities()

        def predict(rows: pl.DataFrame) -> Predictions:
            probabilities = ask(rows)
            return {"label": probabilities.argmax(1), "probabilities": probabilities}

        return predict


def by_class_card(curves: Mapping[str, pl.DataFrame]) -> Card:
    """Rows, precision, recall and F1 of each class."""
    return Card("By class", curves["classes"].rename({"f1": "F1"}))


def most_frequent(target: Array, classes: int, most: int) -> Sequence[int]:
    """Codes of the most frequent classes, in this order."""
    order = np.argsort(-np.bincount(target, minlength=classes), kind="stable")
    codes: Sequence[int] = order[:most].tolist()
    return codes
