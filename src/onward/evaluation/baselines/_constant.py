"""The constant baseline."""

import numpy as np
import polars as pl

from onward.evaluation.baselines._predictions import targets_of, weights_of
from onward.tasks import Ask, Task


class Constant:
    """The mean or the class frequencies of the training rows."""

    def __init__(self, task: Task, train: pl.DataFrame) -> None:
        self._classes = len(task.target.classes)
        self._target, self._weights = targets_of(task, train), weights_of(train)

    def numbers(self) -> Ask:
        """The mean."""
        mean = float(np.average(self._target, weights=self._weights))
        return lambda rows: np.full(len(rows), mean)

    def probabilities(self) -> Ask:
        """The frequency of each class."""
        counts = np.bincount(self._target, self._weights, self._classes)
        shares = counts / counts.sum()
        return lambda rows: np.tile(shares, (len(rows), 1))
