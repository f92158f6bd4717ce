"""Multiclass classification."""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from onward.schema import Target
from onward.tasks import charts, curves, metrics
from onward.tasks._base import Card
from onward.tasks.class_task import (
    CALIBRATION,
    CONFUSION,
    ClassTask,
    by_class_card,
    most_frequent,
)
from onward.tasks.metrics import Array, Metric, Predictions


class Multiclass(ClassTask):
    """Classification with three or more classes."""

    name = "multiclass"
    metrics = {
        "accuracy": Metric("Accuracy", metrics.accuracy, "higher", 0, 1, "share"),
        "macro_f1": Metric("Macro F1", metrics.macro_f1, "higher", 0, 1),
        "log_loss": Metric("Log-loss", metrics.log_loss, "lower", 0),
        "balanced_accuracy": Metric("Balanced accuracy", metrics.balanced_accuracy, "higher", 0, 1),
    }
    main = "accuracy"
    curves = {
        "calibration": curves.calibration,
        "confusion": curves.confusion,
        "labels": curves.labels,
        "classes": curves.by_class,
    }
    plots = {"calibration": CALIBRATION, "confusion": CONFUSION}
    prediction_axis = "probability"
    residual_axis = "correct label (0 or 1) minus its probability"

    @classmethod
    def is_usual(cls, target: Target) -> bool:
        """For any other number of classes than two."""
        return target.kind == cls.kind and len(target.classes) != 2

    def judged_class(self, predictions: Predictions) -> Array:
        """The predicted class."""
        return predictions["label"]

    def shown_classes(self, target: Array, most: int) -> Sequence[int]:
        """The most frequent classes."""
        return most_frequent(target, len(self.target.classes), most)

    def cards(
        self, curves: Mapping[str, pl.DataFrame], scores: Mapping[str, float]
    ) -> Iterator[Card]:
        """Confusion, calibration, and a table of the classes."""
        calibration = charts.calibration(curves["calibration"])
        yield Card("Confusion matrix", charts.confusion(curves["confusion"]))
        yield Card("Calibration of the predicted class, with 95 % intervals", calibration)
        yield by_class_card(curves)
