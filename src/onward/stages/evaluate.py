"""Measure the exported file on rows that nothing was learned from, beside three yardsticks.

It knows the file and raw rows, and nothing of how the file was made; only for a cross-validation or
a learning curve it has others made in the same way.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import polars as pl
from pydantic import Field, PositiveInt, model_validator

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import (
    inputs_of,
    publishing,
    refuse_stale,
    replacing,
    verified,
)
from onward.evaluation.baseline_comparison import Comparison
from onward.evaluation.bootstrap import JSON_DIGITS, json_number
from onward.evaluation.diagnostics import refuse_unread
from onward.evaluation.measurement import measure
from onward.evaluation.previous_run import CHANGES_FILE, as_table, changes_since, table_lines
from onward.evaluation.resampling import ResamplingResult, ResamplingSettings, resample_rows
from onward.evaluation.retraining import remove_retrained
from onward.schema import Target
from onward.serving.predictor import Predictor
from onward.settings.family import Seed
from onward.settings.family import Settings as Base
from onward.tasks import Task

logger = logging.getLogger(__name__)

READS = ("prepare", "export")


class Settings(Base):
    """``seed`` of the resampled rows, the shuffled columns and the yardsticks.

    ``sensitive``: columns whose groups are compared in a table of fairness, such as sex or race;
    they must be among the model's.

    ``cross_validation`` is the number of folds, 5 or 10 as a rule. The rows that are not for
    testing are dealt out to them as prepare.split says; each fold is tested by a model that was
    prepared, trained and exported without it. ``learning_curve`` lists shares of the training rows,
    such as [0.1, 0.25, 0.5, 1.0]; with each a model is made, and tested on the same rows as the
    published one, which is that of 1.0. ``at_once`` of these models are made side by side, each
    with its share of the processor.
    """

    seed: Seed = 0
    sensitive: tuple[str, ...] = ()
    cross_validation: Annotated[int, Field(ge=2)] | None = None
    learning_curve: tuple[Annotated[float, Field(gt=0, le=1)], ...] = ()
    at_once: PositiveInt = 1

    @model_validator(mode="after")
    def _curve_has_two_points(self) -> Self:
        if self.learning_curve and min(self.learning_curve) == 1:
            raise ValueError("learning_curve: give a share below 1, too, such as 0.5")
        return self

    @property
    def resampling(self) -> ResamplingSettings:
        """The models that are to be made from other rows."""
        return ResamplingSettings(
            self.cross_validation, self.learning_curve, self.at_once, self.seed
        )


def run(settings: Settings, folder: Path) -> None:
    """Write ``metrics.json``, ``comparison.json``, ``sample.parquet``, ``plots/`` and more.

    The metrics are those of the model alone, for `dvc metrics show`; the comparison has their
    intervals and the yardsticks. What changed since the run before, ``changes.json``, is written
    last and is not hashed: it depends on what was here, and not on the inputs alone.
    """
    refuse_stale(folder / "export")
    path, out = verified(folder / "export" / "model.onnx"), folder / "evaluate"
    predictor, seed = Predictor(path), settings.seed
    target = predictor.schema.target
    refuse_unread(settings.sensitive, predictor.schema.columns)
    task = Task.named(str(path), predictor.metadata["task"], target)
    measurement = measure(predictor, task, Prepared(folder / "prepare"), settings.sensitive, seed)
    retrained = resample_rows(settings.resampling, folder, task, measurement.outcome)
    inputs, comparison = inputs_of(folder, *READS), measurement.comparison
    changes = changes_since(out, comparison, target.classes, inputs, seed)
    with publishing(out, inputs=inputs) as work:
        _write_comparison(work, comparison, target, retrained)
        _write(work / "latency.json", measurement.latency)
        curves = {**measurement.curves, **retrained.tables()}
        _write_plots(work / "plots", curves, measurement.diagnoses)
    with replacing(out / CHANGES_FILE) as new:
        _write(new, changes)
    remove_retrained(folder)
    for line in (
        *comparison.table_lines(),
        *retrained.table_lines(),
        *table_lines(task.metrics, changes["before"]),
    ):
        logger.info(line)


def _write_comparison(
    work: Path, comparison: Comparison, target: Target, retrained: ResamplingResult
) -> None:
    values = {name: json_number(value) for name, value in comparison.values.items()}
    _write(work / "metrics.json", values | retrained.values())
    for name, document in retrained.documents.items():
        _write(work / f"{name}.json", document)
    classes = {"classes": target.classes}  # codes of others would mean something else
    _write(work / "comparison.json", {**classes, **comparison.document()})
    as_table(comparison.sample).write_parquet(work / "sample.parquet")


def _write_plots(
    folder: Path, curves: Mapping[str, pl.DataFrame], diagnoses: Mapping[str, pl.DataFrame]
) -> None:
    """Curves for DVC; the others keep their types, as CSV would take a text "007" for a number."""
    folder.mkdir()
    digits = pl.col(pl.Float64).round_sig_figs(JSON_DIGITS)
    for name, table in curves.items():
        table.with_columns(digits).write_csv(folder / f"{name}.csv")
    for name, table in diagnoses.items():
        table.with_columns(digits).write_parquet(folder / f"{name}.parquet")


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
