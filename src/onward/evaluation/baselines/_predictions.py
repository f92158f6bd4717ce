"""Predictions as those of an exported file, and the truth they are compared with."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from onward.serving.predictor import Predictor
from onward.tasks import Array, Ask, Predict, Predictions, Task

WEIGHT = "onward/weight"  # of raw rows that do not count alike; no name of a column


def targets_of(task: Task, rows: pl.DataFrame) -> Array:
    """The truth as metrics read it: codes of classes, or numbers."""
    return task.encode(rows[task.target.name])


def weights_of(rows: pl.DataFrame) -> Array | None:
    """How much each row counts; None where all count alike."""
    return rows[WEIGHT].to_numpy() if WEIGHT in rows.columns else None


def exported(predictor: Predictor, task: Task) -> Predict:
    """The file itself, with labels as codes."""
    names = [field.name for field in predictor.schema.columns]
    # there may be columns that it does without
    return lambda rows: task.read(predictor(rows.select(names)))


@dataclass(frozen=True)
class Validation:
    """Validation rows, and the model whose predictions show how baselines are calibrated."""

    task: Task
    rows: pl.DataFrame
    model: Predict

    @cached_property
    def target(self) -> Array:
        """The truth."""
        return targets_of(self.task, self.rows)

    @property
    def weights(self) -> Array | None:
        """How much each row counts; None where all count alike."""
        return weights_of(self.rows)

    @cached_property
    def predictions(self) -> Predictions:
        """Those of the model; asked for by few tasks, and slow for many rows."""
        return self.model(self.rows)


def of_all_classes(known: Ask, codes: Array, classes: int) -> Ask:
    """Probabilities of all classes, from those of the classes that training rows have.

    Args:
        known: probabilities of these classes.
        codes: of these classes; the others have probability 0.
        classes: how many there are.
    """

    def ask(rows: pl.DataFrame) -> Array:
        probabilities = np.zeros((len(rows), classes))
        # trees that have seen one class answer with two columns
        probabilities[:, codes] = known(rows)[:, : len(codes)]
        return probabilities

    return ask
