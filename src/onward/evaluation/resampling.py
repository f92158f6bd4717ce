"""The model retrained: on folds, on fewer rows, or on the same rows from new weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from onward.artifacts.publishing import manifest
from onward.errors import ConfigError
from onward.evaluation import cross_validation, learning_curve
from onward.evaluation.bootstrap import format_value
from onward.evaluation.cold_start import cold_start, cold_start_lines
from onward.evaluation.retraining import HeldOutPredictions, RetrainedModels, refuse_partial_model
from onward.tasks import Task
from onward.wording import text_table

FOLDS_KEY, CURVE_KEY = "cross_validation", "learning_curve"


@dataclass(frozen=True)
class ResamplingSettings:
    """Number of folds and shares of the training rows to retrain the model on.

    ``cold_start``: whether a model that starts from another is compared with one that does not.
    """

    folds: int | None
    shares: tuple[float, ...]
    cold_start: bool
    at_once: int
    seed: int

    def refuse_start(self, start: object) -> None:
        """Raise a ConfigError if folds or shares are asked for of a model that starts from another.

        Args:
            start: the setting `prepare.start_from`.
        """
        if start is not None and (self.folds or self.shares):
            raise ConfigError(
                f"evaluate: cross_validation and learning_curve: the model starts from {start},"
                " which was trained on rows of all folds. Remove them, or prepare.start_from"
            )


@dataclass(frozen=True)
class ResamplingResult:
    """Results of the retrained models; empty where the settings ask for none."""

    task: Task
    cross_validation: Mapping[str, Any]
    learning_curve: Mapping[str, Any]
    cold_start: Mapping[str, Any]

    @property
    def documents(self) -> dict[str, Mapping[str, Any]]:
        """The results as JSON documents, by name."""
        return {FOLDS_KEY: self.cross_validation, CURVE_KEY: self.learning_curve}

    def values(self) -> dict[str, Any]:
        """Means over the folds, and the main metric at each share of the training rows."""
        values: dict[str, Any] = {}
        if self.cross_validation:
            metrics = self.cross_validation["metrics"]
            values[FOLDS_KEY] = {name: summary["mean"] for name, summary in metrics.items()}
        if self.learning_curve:
            values[CURVE_KEY] = {
                f"{point['share']:g}": point["metrics"][self.task.main]["value"]
                for point in self.learning_curve["points"]
            }
        return values

    def tables(self) -> dict[str, pl.DataFrame]:
        """Tables for the plots of DVC; an empty table draws nothing."""
        return {
            FOLDS_KEY: cross_validation.table(self.cross_validation, self.task.main),
            CURVE_KEY: learning_curve.table(self.learning_curve, self.task.main),
        }

    def table_lines(self) -> Iterator[str]:
        """A table of the folds and a sentence on the learning curve, for the terminal."""
        if self.cross_validation:
            count = len(self.cross_validation["folds"])
            yield f"evaluate: {count}-fold cross-validation on the rows outside the test set"
            rows = []
            for name, metric in self.task.metrics.items():
                summary = self.cross_validation["metrics"][name]
                interval = f"{format_value(summary['lower'])} to {format_value(summary['upper'])}"
                mean, deviation = format_value(summary["mean"]), format_value(summary["deviation"])
                rows.append([metric.title, mean, interval, deviation])
            yield from text_table(["", "mean", "95 % interval", "deviation"], rows)
        if self.learning_curve:
            yield f"evaluate: {self.learning_curve['verdict']}"
        yield from cold_start_lines(self.cold_start, self.task)


def resample_rows(
    settings: ResamplingSettings, folder: Path, task: Task, published: HeldOutPredictions
) -> ResamplingResult:
    """Retrain the model on each fold and share, and measure the results.

    Raises:
        ConfigError: if folds are asked for of a model that starts from another.
        OnwardError: if the training of one model fails.
    """
    start = manifest(folder / "prepare")["settings"].get("start_from")
    is_compared = start is not None and settings.cold_start
    if not (settings.folds or settings.shares or is_compared):
        return ResamplingResult(task, {}, {}, {})
    refuse_partial_model(folder)
    settings.refuse_start(start)
    models = RetrainedModels(folder, task.main_metric, settings.at_once)
    folds = (
        cross_validation.cross_validation(models, settings.folds, task.metrics)
        if settings.folds
        else {}
    )
    curve = (
        learning_curve.learning_curve(models, settings.shares, task, published, settings.seed)
        if settings.shares
        else {}
    )
    cold = cold_start(models, folder, task, published, settings.seed) if is_compared else {}
    return ResamplingResult(task, folds, curve, cold)
