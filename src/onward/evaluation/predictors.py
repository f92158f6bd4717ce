"""The predictors to compare: the exported file and baselines trained on the same rows."""

from dataclasses import replace

import polars as pl

from onward.artifacts.prepared import Prepared
from onward.blocks import CATEGORICAL
from onward.evaluation.baseline_comparison import MODEL
from onward.evaluation.baselines import (
    WEIGHT,
    BoostedTrees,
    Constant,
    Linear,
    Validation,
    can_encode,
    predict_function,
)
from onward.schema import Field, Schema
from onward.serving.predictor import Predictor
from onward.tasks import Estimator, Predict, Task


def predictors(
    predictor: Predictor, task: Task, prepared: Prepared, seed: int
) -> dict[str, Predict]:
    """The file and the baselines, by name; the baselines are trained here.

    Args:
        predictor: the exported file.
        task: the task of the file.
        prepared: the rows of all splits.
        seed: of the baselines.
    """
    train, validation = (rows_of(prepared, split) for split in ("train", "validation"))
    model, schema = predict_function(predictor, task), _readable(predictor.schema, prepared)
    calibration = Validation(task, validation, model)
    estimators: dict[str, Estimator] = {
        "constant": Constant(task, train),
        "linear": Linear(task, schema, train, seed),
        "boosted_trees": BoostedTrees(task, schema, train, seed),
    }
    baselines = {
        name: task.calibrate(task.answer(estimator), calibration)
        for name, estimator in estimators.items()
    }
    return {MODEL: model, **baselines}


def unread_columns(predictor: Predictor) -> tuple[str, ...]:
    """Columns of the file that the baselines cannot read."""
    return tuple(field.name for field in predictor.schema.columns if not can_encode(field))


def rows_of(prepared: Prepared, split: str) -> pl.DataFrame:
    """Raw and derived values of a split, and its row weights, if any."""
    parts = [prepared.rows(split), prepared.derived(split)]
    rows, weights = pl.concat(parts, how="horizontal").collect(), prepared.weights(split)
    return rows if weights is None else rows.with_columns(pl.Series(WEIGHT, weights))


def _readable(schema: Schema, prepared: Prepared) -> Schema:
    """The columns of the features that baselines can read, including derived ones."""
    blocks, derived = prepared.blocks(), prepared.derived("train").collect_schema()
    codes = blocks[CATEGORICAL].owners if CATEGORICAL in blocks else ()
    fields = [*schema.columns]
    for name, dtype in derived.items():
        kind = "categorical" if name in codes else "numerical"
        fields.append(Field(name, kind, "text" if dtype == pl.String else "number"))
    readable = tuple(
        field for field in fields if field.name in blocks.columns and can_encode(field)
    )
    return replace(schema, columns=readable)
