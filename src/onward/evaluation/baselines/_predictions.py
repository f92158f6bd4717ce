"""Predictions of an exported file, and the true targets."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from onward.serving.predictor import Predictor
from onward.tasks import Array, Ask, Predict, Predictions, Task

WEIGHT = "onward/weight"  # weight of a raw row; columns cannot have this name


def targets_of(task: Task, rows: pl.DataFrame) -> Array:
    """The true targets for metrics: codes of classes, or numbers."""
    return task.encode(rows[task.target.name])


def weights_of(rows: pl.DataFrame) -> Array | None:
    """Row weights; None without weights."""
    return rows[WEIGHT].to_numpy() if WEIGHT in rows.columns else None


def predict_function(predictor: Predictor, task: Task) -> Predict:
    """A function that predicts with the file; labels become codes."""
    names = [field.name for field in predictor.schema.columns]
    # rows may have columns that the file does not read
    return lambda rows: task.read(predictor(rows.select(names)))


@dataclass(frozen=True)
class Validation:
    """Validation rows, and the model whose predictions define the calibration of baselines."""

    task: Task
    rows: pl.DataFrame
    model: Predict

    @cached_property
    def target(self) -> Array:
        """The true targets."""
        return targets_of(self.task, self.rows)

    @property
    def weights(self) -> Array | None:
        """Row weights; None without weights."""
        return weights_of(self.rows)

    @cached_property
    def predictions(self) -> Predictions:
        """Predictions of the model; cached and lazy, as few tasks need them and they are slow."""
        return self.model(self.rows)


def extend_to_all_classes(predict: Ask, codes: Array, classes: int) -> Ask:
    """Extend probabilities of the classes in the training rows to all classes.

    Args:
        predict: predicts the probabilities of these classes.
        codes: of these classes; all others get probability 0.
        classes: number of all classes.
    """

    def ask(rows: pl.DataFrame) -> Array:
        probabilities = np.zeros((len(rows), classes))
        # trees fitted on one class return two columns
        probabilities[:, codes] = predict(rows)[:, : len(codes)]
        return probabilities

    return ask
