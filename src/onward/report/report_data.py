"""Data of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from onward.schema import Schema
from onward.serving.members_note import describe_members
from onward.serving.refit_note import describe_refit
from onward.tasks import Metric, Task, named_with_nominal


@dataclass(frozen=True)
class Evidence:
    """The results of the stages, for the report."""

    config: str
    """Name of the config and of its artifacts folder."""
    schema: Schema
    notes: Mapping[str, Any]
    """Metadata of the model file."""
    data: Mapping[str, Any]
    history: Sequence[Mapping[str, float]]
    speed: Mapping[str, Any]
    """Timings of the training; may be empty."""
    selection: Mapping[str, Any]
    """The column selection; may be empty."""
    tuning: Mapping[str, Any]
    """The search for settings; may be empty."""
    metrics: Mapping[str, Any]
    cross_validation: Mapping[str, Any]
    """May be empty, like the next."""
    learning_curve: Mapping[str, Any]
    changes: Mapping[str, Any]
    """Changes since the previous evaluation; may be empty."""
    latency: Mapping[str, float]
    plots: Mapping[str, pl.DataFrame]
    example: Mapping[str, Any]
    """A raw row."""
    model_sha256: str
    model_bytes: int

    @property
    def task(self) -> Task:
        """The task of the file."""
        return Task.by_name("model.onnx", self.notes["task"], self.schema.target)

    @property
    def refit(self) -> str:
        """A sentence on a second training, with held-out rows; empty if there was none."""
        return describe_refit(self.notes.get("metrics", {}))

    @property
    def folds(self) -> int:
        """The number of networks, each trained without another fold; 0 without folds."""
        count: int = self.notes.get("metrics", {}).get("folds", 0)
        return count

    @property
    def members(self) -> Mapping[str, str]:
        """What each network of an ensemble is, by name; empty for a single network."""
        return describe_members(self.notes.get("metrics", {}))

    @property
    def target(self) -> str:
        """Name of the target column."""
        return self.schema.target.name

    @property
    def of_task(self) -> Mapping[str, Metric]:
        """The metrics of the task."""
        return named_with_nominal(self.task.metrics, self.nominal_coverage)

    @property
    def nominal_coverage(self) -> float | None:
        """Of the intervals; files of earlier versions do not have it."""
        coverage: float | None = self.notes.get("intervals", {}).get("coverage")
        return coverage

    @property
    def scores(self) -> Mapping[str, float]:
        """The model's values of the metrics."""
        return {name: estimate["value"] for name, estimate in self.metrics["model"].items()}
