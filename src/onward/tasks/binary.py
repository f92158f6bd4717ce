"""Binary classification."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from onward.schema import Target
from onward.tasks import charts, curves, metrics
from onward.tasks._base import Card, Plot
from onward.tasks.class_task import CALIBRATION, CONFUSION, ClassTask, by_class_card
from onward.tasks.metrics import Array, Metric, Predictions

SHARE = {"x_label": "share of rows, by descending probability"}


class Binary(ClassTask):
    """Binary classification; the second class is the positive one."""

    name = "binary"
    metrics = {
        "auc": Metric("AUC", metrics.auc, "higher", 0, 1),
        "log_loss": Metric("Log-loss", metrics.log_loss, "lower", 0),
        "accuracy": Metric("Accuracy", metrics.accuracy, "higher", 0, 1, "share"),
        "f1": Metric("F1", metrics.f1, "higher", 0, 1),
        "balanced_accuracy": Metric("Balanced accuracy", metrics.balanced_accuracy, "higher", 0, 1),
        "brier": Metric("Brier score", metrics.brier, "lower", 0, 1),
        "calibration_error": Metric("Calibration error", metrics.calibration_error, "lower", 0, 1),
    }
    main = "auc"
    reliability = metrics["calibration_error"]
    curves = {
        "roc": curves.roc,
        "pr": curves.pr,
        "threshold": curves.threshold,
        "gain": curves.gain,
        "lift": curves.lift,
        "calibration": curves.calibration,
        "confusion": curves.confusion,
        "labels": curves.labels,
        "classes": curves.by_class,
    }
    plots = {
        "roc": Plot("roc.csv", "false_positive_rate", ("true_positive_rate",)),
        "precision and recall": Plot("pr.csv", "recall", ("precision",)),
        "threshold": Plot(
            "threshold.csv",
            "threshold",
            ("precision", "recall", "f1", "selected"),
            {"y_label": "share"},
        ),
        "gain": Plot("gain.csv", "share", ("gain",), SHARE),
        "lift": Plot("lift.csv", "share", ("lift",), SHARE),
        "calibration": CALIBRATION,
        "confusion": CONFUSION,
    }

    @classmethod
    def is_usual(cls, target: Target) -> bool:
        """For two classes."""
        return target.kind == cls.kind and len(target.classes) == 2

    @property
    def prediction_axis(self) -> str:
        """With the name of the second class."""
        return f"probability of {self.target.classes[1]}"

    @property
    def residual_axis(self) -> str:
        """With the name of the second class."""
        return f"observed minus predicted: {self.target.classes[1]}"

    def judged_class(self, predictions: Predictions) -> Array:
        """The second class."""
        return np.ones_like(predictions["label"])

    def shown_classes(self, target: Array, most: int) -> Sequence[int]:
        """The second class."""
        return [1]

    def cards(
        self, curves: Mapping[str, pl.DataFrame], scores: Mapping[str, float]
    ) -> Iterator[Card]:
        """Curves over all thresholds, calibration, confusion, and a table of the classes."""
        positive = self.target.classes[1]
        rows = curves["classes"]["rows"]
        share = rows[1] / max(rows.sum(), 1)
        threshold = f"Threshold on the probability of {positive}"
        yield Card(f"ROC of {positive}", charts.roc(curves["roc"]))
        yield Card(f"Precision and recall of {positive}", charts.pr(curves["pr"], share))
        yield Card(threshold, charts.threshold(curves["threshold"]))
        yield Card(f"Gain: {positive} among the highest-ranked rows", charts.gain(curves["gain"]))
        yield Card(f"Lift: {positive} among the highest-ranked rows", charts.lift(curves["lift"]))
        calibration = charts.calibration(curves["calibration"])
        yield Card("Calibration, with 95 % intervals", calibration)
        yield Card("Confusion matrix", charts.confusion(curves["confusion"]))
        yield by_class_card(curves)
