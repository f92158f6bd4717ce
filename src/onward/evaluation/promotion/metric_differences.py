"""Metrics of two models on the same rows, and their paired differences."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onward.evaluation.bootstrap import Estimate, format_value, json_number, resample, sample
from onward.evaluation.promotion.pair import Pair
from onward.tasks import Metric
from onward.wording import format_signed

SEED = 0  # of the resamples


@dataclass(frozen=True)
class MetricDifference:
    """A metric of two models, and the first minus the second."""

    metric: Metric
    first: float
    second: float
    difference: Estimate
    """With the 95 % interval of paired resamples."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        ends = {"challenger": json_number(self.first), "champion": json_number(self.second)}
        return {**ends, "difference": self.difference.document()}

    def cells(self) -> list[str]:
        """The cells of a table row; a metric such as AUC is undefined for rows of one class."""
        if math.isnan(self.difference.value):
            return [self.metric.title, "undefined", "undefined", "", ""]
        difference = self.difference
        ends = f"{format_signed(difference.lower)} to {format_signed(difference.upper)}"
        if math.isnan(difference.lower):
            ends = "-"
        values = (
            format_value(self.first),
            format_value(self.second),
            format_signed(difference.value),
        )
        return [self.metric.title, *values, ends]


def metric_differences(pair: Pair, metrics: Mapping[str, Metric]) -> dict[str, MetricDifference]:
    """Each metric, with an interval from the same resamples of both models."""
    resampled = []
    for predictions in (pair.first, pair.second):
        values = {name: metric(pair.target, predictions) for name, metric in metrics.items()}
        rows = sample(pair.target, predictions, SEED)
        resampled.append(resample(metrics, values, rows, SEED))
    first, second = resampled
    return {
        name: MetricDifference(
            metric, first[name].value, second[name].value, first[name].minus(second[name])
        )
        for name, metric in metrics.items()
    }
