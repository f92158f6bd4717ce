"""All measurements of an exported file on its test set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from onward.artifacts.prepared import Prepared
from onward.evaluation.baseline_comparison import MODEL, Comparison, compare
from onward.evaluation.baselines import targets_of, weights_of
from onward.evaluation.diagnostics import HeldOut, diagnose
from onward.evaluation.latency import latency
from onward.evaluation.permutation_importance import importance
from onward.evaluation.predictors import predictors, rows_of, unread_columns
from onward.evaluation.retraining import HeldOutPredictions
from onward.serving.predictor import Predictor
from onward.tasks import Array, Predictions, Task


@dataclass(frozen=True)
class Measurement:
    """The results of an evaluation."""

    comparison: Comparison
    curves: Mapping[str, pl.DataFrame]
    """The curves of the task, and ``importance``."""
    diagnoses: Mapping[str, pl.DataFrame]
    outcome: HeldOutPredictions
    latency: Mapping[str, Any]


def measure(
    predictor: Predictor, task: Task, prepared: Prepared, sensitive: Sequence[str], seed: int
) -> Measurement:
    """Predict the test set with the file and with the baselines, and compare them.

    Args:
        predictor: the exported file.
        task: the task of the file.
        prepared: the rows of all splits.
        sensitive: columns whose groups are compared.
        seed: of all random draws.
    """
    test = rows_of(prepared, "test")
    target, weights = targets_of(task, test), weights_of(test)
    predict = predictors(predictor, task, prepared, seed)
    predictions = {name: predict_with(test) for name, predict_with in predict.items()}
    columns = test.select(field.name for field in predictor.schema.columns)
    drops = importance(predict[MODEL], task.main_metric, columns, target, seed, weights)
    held_out = HeldOut(
        task,
        predictor.schema.columns,
        columns,
        prepared.row_numbers("test"),
        target,
        predictions[MODEL],
        predictions["boosted_trees"],
    )
    learned = prepared.num_rows("train"), prepared.num_rows("validation")
    return Measurement(
        replace(
            compare(task, target, predictions, seed, weights), unread=unread_columns(predictor)
        ),
        _curves(task, target, predictions[MODEL], seed) | {"importance": drops},
        diagnose(held_out, predict[MODEL], drops["column"].to_list(), sensitive, seed),
        HeldOutPredictions(*learned, target, predictions[MODEL], weights),
        latency(predictor, columns),
    )


def _curves(
    task: Task, target: Array, predictions: Predictions, seed: int
) -> dict[str, pl.DataFrame]:
    random = np.random.default_rng(seed)
    return {
        name: curve(task.target.classes, target, predictions, random)
        for name, curve in task.curves.items()
    }
