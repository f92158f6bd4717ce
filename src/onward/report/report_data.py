"""All that a report is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from onward.schema import Schema
from onward.tasks import Metric, Task


@dataclass(frozen=True)
class Evidence:
    """What the stages have written, read."""

    config: str
    """Name of the config, which is that of the folder of artifacts."""
    schema: Schema
    notes: Mapping[str, Any]
    """What the model file says of itself."""
    data: Mapping[str, Any]
    history: Sequence[Mapping[str, float]]
    speed: Mapping[str, Any]
    """Of the training; empty where it was not measured."""
    selection: Mapping[str, Any]
    """Of columns; empty where none was asked for."""
    metrics: Mapping[str, Any]
    cross_validation: Mapping[str, Any]
    """Empty where the config asks for none, as is the next."""
    learning_curve: Mapping[str, Any]
    changes: Mapping[str, Any]
    """Since the evaluation before; empty where nobody looked."""
    latency: Mapping[str, float]
    plots: Mapping[str, pl.DataFrame]
    example: Mapping[str, Any]
    """A raw row."""
    model_sha256: str
    model_bytes: int

    @property
    def task(self) -> Task:
        """What is predicted."""
        return Task.by_name("model.onnx", self.notes["task"], self.schema.target)

    @property
    def target(self) -> str:
        """Name of the column that is predicted."""
        return self.schema.target.name

    @property
    def of_task(self) -> Mapping[str, Metric]:
        """The metrics of the task."""
        return self.task.metrics

    @property
    def scores(self) -> Mapping[str, float]:
        """The model's values of the metrics."""
        return {name: estimate["value"] for name, estimate in self.metrics["model"].items()}
