"""The model beside the yardsticks: each metric of each, and how far they are apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from onward.evaluation.bootstrap import Estimate, Resampled, Sample, resampled, sample, shown
from onward.tasks import Array, Predictions, Task
from onward.text_table import text_table

MODEL = "model"


@dataclass(frozen=True)
class Comparison:
    """Predictors of the same rows, the model first, measured on the same resamples."""

    task: Task
    sample: Sample
    """Rows with the model's predictions."""
    found: Mapping[str, Mapping[str, Resampled]]
    """By predictor and metric."""

    @property
    def values(self) -> dict[str, float]:
        """The model's metrics."""
        return {name: resamples.value for name, resamples in self.found[MODEL].items()}

    @property
    def differences(self) -> dict[str, dict[str, Estimate]]:
        """The model's metrics less those of each yardstick."""
        return {
            who: {name: self.found[MODEL][name].minus(other) for name, other in metrics.items()}
            for who, metrics in self.found.items()
            if who != MODEL
        }

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        estimates = {
            who: {name: resamples.estimate for name, resamples in metrics.items()}
            for who, metrics in self.found.items()
        }
        about = {"task": self.task.name, "rows": self.sample.rows}
        return {**about, **_documents(estimates), "differences": _documents(self.differences)}

    def lines(self) -> Iterator[str]:
        """A table for people."""
        others = [who for who in self.found if who != MODEL]
        rows = []
        for name, metric in self.task.metrics.items():
            model = self.found[MODEL][name].estimate
            interval = f"{shown(model.lower)} to {shown(model.upper)}"
            values = (shown(self.found[who][name].value) for who in others)
            rows.append([metric.title, shown(model.value), interval, *values])
        yield f"evaluate: {self.sample.rows:,} held-out rows"
        titles = (who.replace("_", " ") for who in others)
        yield from text_table(["", MODEL, "95 % interval", *titles], rows)


def compare(
    task: Task,
    target: Array,
    predictions: Mapping[str, Predictions],
    seed: int,
    weights: Array | None = None,
) -> Comparison:
    """Ask every metric of every predictor; the model comes first."""
    metrics = task.metrics
    samples = {who: sample(target, each, seed, weights) for who, each in predictions.items()}
    values = {
        who: {name: metric(target, each, weights) for name, metric in metrics.items()}
        for who, each in predictions.items()
    }
    found = {who: resampled(metrics, values[who], samples[who], seed) for who in predictions}
    return Comparison(task, samples[MODEL], found)


def _documents(estimates: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    return {
        who: {name: estimate.document() for name, estimate in metrics.items()}
        for who, metrics in estimates.items()
    }
