"""The predictions of two model files for the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onward.errors import ArtifactError, DataError
from onward.evaluation.baselines import predict_function
from onward.evaluation.promotion.fresh_rows import refuse_few, trained_rows
from onward.evaluation.promotion.paired_difference import PairedDifference
from onward.schema import Field
from onward.serving.predictor import Predictor
from onward.table.sources import Table
from onward.table.target import TargetSettings
from onward.tasks import Array, Predictions, Task
from onward.wording import format_count


@dataclass(frozen=True)
class Pair:
    """Predictions of two models for rows that neither was trained on."""

    task: Task
    columns: tuple[Field, ...]
    """Input columns of the second model."""
    rows: tuple[pl.DataFrame, pl.DataFrame]
    """Raw rows, as the first and as the second model reads them."""
    target: Array
    first: Predictions
    second: Predictions
    notes: tuple[str, ...]
    """Lines about rows that were left out."""

    @property
    def losses(self) -> tuple[Array, Array]:
        """Loss of each row, of the first and of the second model."""
        first, second = (
            self.task.losses(self.target, predictions) for predictions in (self.first, self.second)
        )
        return first, second

    @property
    def difference(self) -> PairedDifference:
        """Loss of the first minus that of the second."""
        return PairedDifference.of(*self.losses)


def predict_pair(
    models: tuple[Predictor, Predictor],
    titles: tuple[str, str],
    table: Table,
    target: TargetSettings | None = None,
) -> Pair:
    """Predict a table with two models, without rows that either was trained on.

    Args:
        models: of the same target.
        titles: names of the models in messages.
        table: with the columns of both, and the target.
        target: settings of the target, if the table spells it differently.

    Raises:
        ArtifactError: if the models have different targets.
        DataError: if the table cannot be read, or too few rows remain.
    """
    first, second = models
    task = _common_task(first, second)
    parts = [_read(table, model, task, target) for model in models]
    truth = parts[0][task.target.name]
    _refuse_classes(table, truth, task.target.classes)
    trained = [
        trained_rows(model, part, title)
        for model, part, title in zip(models, parts, titles, strict=True)
    ]
    has_target = truth.is_not_null().to_numpy()
    indices = np.flatnonzero(has_target & ~trained[0].is_known & ~trained[1].is_known)
    refuse_few(str(table.path), len(indices), len(truth))
    missing = int((~has_target).sum())
    left_out = f"{format_count(missing, 'row')} left out: {task.target.name!r} is missing"
    notes = [left_out] if missing else []
    notes += [rows.note for rows in trained if rows.note]
    by_first, by_second = (
        _predictions(model, task, part, indices) for model, part in zip(models, parts, strict=True)
    )
    rows, encoded = (parts[0][indices], parts[1][indices]), task.encode(truth[indices])
    return Pair(task, second.schema.columns, rows, encoded, by_first, by_second, tuple(notes))


def _predictions(model: Predictor, task: Task, rows: pl.DataFrame, indices: Array) -> Predictions:
    # predicts all rows, so that a message about a value names its row of the table
    return {name: values[indices] for name, values in predict_function(model, task)(rows).items()}


def _common_task(first: Predictor, second: Predictor) -> Task:
    for what, value, other in (
        ("target", first.schema.target.name, second.schema.target.name),
        ("task", first.metadata["task"], second.metadata["task"]),
        ("classes", first.schema.target.classes, second.schema.target.classes),
    ):
        if value != other:
            raise ArtifactError(
                f"{first.path}: the {what} is {value!r}, but {other!r} in {second.path}. Compare"
                " models of the same target"
            )
    remedy = "give `--config` with a config that has the plug-in in `plugins`"
    return Task.by_name(str(first.path), first.metadata["task"], first.schema.target, remedy)


def _read(
    table: Table, model: Predictor, task: Task, target: TargetSettings | None
) -> pl.DataFrame:
    missing = () if target is None else target.missing
    field = Field(task.target.name, "target", task.wire, missing)
    rows = table.collect(table.scan([*model.schema.columns, field]))
    return rows if target is None else rows.with_columns(target.canonical())


def _refuse_classes(table: Table, truth: pl.Series, classes: Sequence[str]) -> None:
    if not classes:
        return
    unknown = (~truth.is_in(classes)).fill_null(value=False).arg_true()
    if len(unknown):
        raise DataError(
            f"{table.path}: column {truth.name!r} has {len(unknown)} of {len(truth)} values that"
            f" are not classes of the models; the first is {truth[unknown[0]]!r} in"
            f" {table.position(int(unknown[0]) + 1)}. Correct the table, or give `--config`"
            " with a config that has its `spellings` and `missing`"
        )
