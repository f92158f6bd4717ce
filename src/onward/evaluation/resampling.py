"""What models say that were made as the published one, but from other rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from onward.evaluation import cross_validation, learning_curve
from onward.evaluation.bootstrap import shown
from onward.evaluation.retraining import Outcome, Reruns, refuse_part
from onward.tasks import Task
from onward.text_table import text_table

FOLDS, CURVE = "cross_validation", "learning_curve"


@dataclass(frozen=True)
class Asked:
    """What an evaluation asks for."""

    folds: int | None
    shares: tuple[float, ...]
    at_once: int
    seed: int


@dataclass(frozen=True)
class OtherRows:
    """What was found; empty where nobody asked."""

    task: Task
    cross_validation: Mapping[str, Any]
    learning_curve: Mapping[str, Any]

    @property
    def documents(self) -> dict[str, Mapping[str, Any]]:
        """As JSON has them, by name."""
        return {FOLDS: self.cross_validation, CURVE: self.learning_curve}

    def values(self) -> dict[str, Any]:
        """Means over folds, and the metric that decides at each share of the training rows."""
        values: dict[str, Any] = {}
        if self.cross_validation:
            found = self.cross_validation["metrics"]
            values[FOLDS] = {name: summary["mean"] for name, summary in found.items()}
        if self.learning_curve:
            values[CURVE] = {
                f"{point['share']:g}": point["metrics"][self.task.main]["value"]
                for point in self.learning_curve["points"]
            }
        return values

    def tables(self) -> dict[str, pl.DataFrame]:
        """For DVC to draw; without rows where nobody asked, so that it draws nothing."""
        return {
            FOLDS: cross_validation.table(self.cross_validation, self.task.main),
            CURVE: learning_curve.table(self.learning_curve, self.task.main),
        }

    def lines(self) -> Iterator[str]:
        """Of folds a table for people, of shares a sentence."""
        if self.cross_validation:
            count = len(self.cross_validation["folds"])
            yield f"evaluate: {count} folds of the other rows, each tested by a model of its own"
            rows = []
            for name, metric in self.task.metrics.items():
                found = self.cross_validation["metrics"][name]
                interval = f"{shown(found['lower'])} to {shown(found['upper'])}"
                mean, deviation = shown(found["mean"]), shown(found["deviation"])
                rows.append([metric.title, mean, interval, deviation])
            yield from text_table(["", "mean", "95 % interval", "deviation"], rows)
        if self.learning_curve:
            yield f"evaluate: {self.learning_curve['verdict']}"


def other_rows(asked: Asked, folder: Path, task: Task, published: Outcome) -> OtherRows:
    """Make the models that are asked for, and measure them.

    Raises:
        OnwardError: what stopped one of them.
    """
    if not asked.folds and not asked.shares:
        return OtherRows(task, {}, {})
    refuse_part(folder)
    reruns = Reruns(folder, task.main_metric, asked.at_once)
    folds = (
        cross_validation.cross_validation(reruns, asked.folds, task.metrics) if asked.folds else {}
    )
    curve = (
        learning_curve.learning_curve(reruns, asked.shares, task, published, asked.seed)
        if asked.shares
        else {}
    )
    return OtherRows(task, folds, curve)
