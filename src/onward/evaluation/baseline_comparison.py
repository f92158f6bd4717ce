"""Metrics of the model and of the baselines, and their differences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from onward.evaluation.bootstrap import (
    Estimate,
    ResampledMetric,
    Sample,
    format_value,
    resample,
    sample,
)
from onward.tasks import Array, Metric, Predictions, Task
from onward.wording import format_count, text_table

MODEL = "model"


@dataclass(frozen=True)
class Comparison:
    """Metrics of several predictors on the same rows and resamples; the model comes first."""

    task: Task
    sample: Sample
    """Test rows with the predictions of the model."""
    resamples_of: Mapping[str, Mapping[str, ResampledMetric]]
    """By predictor and metric."""
    unread: tuple[str, ...] = ()
    """Columns that the baselines cannot read."""

    @property
    def values(self) -> dict[str, float]:
        """The model's metrics."""
        return {name: resamples.value for name, resamples in self.resamples_of[MODEL].items()}

    @property
    def differences(self) -> dict[str, dict[str, Estimate]]:
        """The model's metrics minus those of each baseline."""
        return {
            who: {
                name: self.resamples_of[MODEL][name].minus(other) for name, other in metrics.items()
            }
            for who, metrics in self.resamples_of.items()
            if who != MODEL
        }

    def document(self) -> dict[str, Any]:
        """The comparison as a JSON document."""
        estimates = {
            who: {name: resamples.estimate for name, resamples in metrics.items()}
            for who, metrics in self.resamples_of.items()
        }
        about: dict[str, Any] = {"task": self.task.name, "rows": self.sample.rows}
        if self.unread:
            about["unread"] = self.unread
        return {**about, **_documents(estimates), "differences": _documents(self.differences)}

    def table_lines(self, metrics: Mapping[str, Metric]) -> Iterator[str]:
        """The comparison as a table for the terminal.

        Args:
            metrics: of the task, for their titles.
        """
        others = [who for who in self.resamples_of if who != MODEL]
        rows = []
        for name, metric in metrics.items():
            model = self.resamples_of[MODEL][name].estimate
            interval = f"{format_value(model.lower)} to {format_value(model.upper)}"
            values = (format_value(self.resamples_of[who][name].value) for who in others)
            rows.append([metric.title, format_value(model.value), interval, *values])
        yield f"evaluate: {format_count(self.sample.rows, 'test row')}"
        titles = (who.replace("_", " ") for who in others)
        yield from text_table(["", MODEL, "95 % interval", *titles], rows)
        if self.unread:
            yield f"evaluate: the baselines cannot read {', '.join(map(repr, self.unread))}"


def compare(
    task: Task,
    target: Array,
    predictions: Mapping[str, Predictions],
    seed: int,
    weights: Array | None = None,
) -> Comparison:
    """Compute every metric of every predictor; the model comes first."""
    metrics = task.metrics
    samples = {who: sample(target, part, seed, weights) for who, part in predictions.items()}
    values = {
        who: {name: metric(target, part, weights) for name, metric in metrics.items()}
        for who, part in predictions.items()
    }
    resamples_of = {who: resample(metrics, values[who], samples[who], seed) for who in predictions}
    return Comparison(task, samples[MODEL], resamples_of)


def _documents(estimates: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    return {
        who: {name: estimate.document() for name, estimate in metrics.items()}
        for who, metrics in estimates.items()
    }
