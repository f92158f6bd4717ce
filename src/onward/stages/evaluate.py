"""Evaluate the exported file on the test set, and compare it with three baselines.

The stage needs only the file and raw rows; cross-validation and learning curve run the earlier
stages again.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import polars as pl
from pydantic import Field, PositiveInt, model_validator

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import evaluated_file, inputs_of, publishing, refuse_stale, verify
from onward.artifacts.replacing import replacing
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
from onward.tasks import Task, named_with_nominal

logger = logging.getLogger(__name__)

READS = ("prepare", "export")


class Settings(Base):
    """``seed`` of the resampled rows, the shuffled columns and the baselines.

    ``sensitive``: columns whose groups are compared in the fairness table, such as sex or race;
    they must be inputs of the model.

    ``cross_validation`` is the number of folds, usually 5 or 10. The rows outside the test set are
    assigned to them by the rules of prepare.split; each fold is predicted by a model that was
    prepared, trained and exported without it. ``learning_curve`` lists shares of the training rows,
    such as [0.1, 0.25, 0.5, 1.0]; for each share a model is trained and tested on the test rows of
    the published one, whose share is 1.0. ``at_once`` is the number of models trained in parallel,
    each with its share of the cores.

    ``cold_start``: whether a model that starts from another one is also trained from new weights,
    and compared.
    """

    seed: Seed = 0
    sensitive: tuple[str, ...] = ()
    cross_validation: Annotated[int, Field(ge=2)] | None = None
    learning_curve: tuple[Annotated[float, Field(gt=0, le=1)], ...] = ()
    cold_start: bool = True
    at_once: PositiveInt = 1

    @model_validator(mode="after")
    def _refuse_single_point(self) -> Self:
        if self.learning_curve and min(self.learning_curve) == 1:
            raise ValueError("learning_curve: all shares are 1. Add a share below 1, such as 0.5")
        return self

    @property
    def resampling(self) -> ResamplingSettings:
        """Settings for retraining the model on other rows."""
        return ResamplingSettings(
            self.cross_validation, self.learning_curve, self.cold_start, self.at_once, self.seed
        )


def run(settings: Settings, folder: Path) -> None:
    """Write ``metrics.json``, ``comparison.json``, ``sample.parquet``, ``plots/`` and more.

    If ``model.onnx`` has learned from held-out rows (`train.refit`), the file that is measured is
    ``evaluated.onnx``, which has not.

    ``metrics.json`` has the metrics of the model, for `dvc metrics show`; ``comparison.json`` adds
    intervals and baselines. The changes since the previous run, ``changes.json``, are written last
    and are not hashed: they depend on that run, not on the inputs alone.
    """
    refuse_stale(folder / "export")
    path, out = verify(evaluated_file(folder / "export")), folder / "evaluate"
    predictor, seed = Predictor(path), settings.seed
    target = predictor.schema.target
    refuse_unread(settings.sensitive, predictor.schema.columns)
    task = Task.by_name(str(path), predictor.metadata["task"], target)
    measurement = measure(predictor, task, Prepared(folder / "prepare"), settings.sensitive, seed)
    retrained = resample_rows(settings.resampling, folder, task, measurement.outcome)
    inputs, comparison = inputs_of(folder, *READS), measurement.comparison
    noted = {"inputs": inputs, "settings": settings.model_dump(mode="json")}
    changes = changes_since(out, comparison, target.classes, inputs, seed)
    with publishing(out, **noted) as work:
        _write_comparison(work, comparison, target, retrained)
        _write(work / "latency.json", measurement.latency)
        curves = {**measurement.curves, **retrained.tables()}
        _write_plots(work / "plots", curves, measurement.diagnoses)
    with replacing(out / CHANGES_FILE) as new:
        _write(new, changes)
    remove_retrained(folder)
    nominal = predictor.metadata.get("intervals", {}).get("coverage")
    titled = named_with_nominal(task.metrics, nominal)
    for line in (
        *comparison.table_lines(titled),
        *retrained.table_lines(),
        *table_lines(titled, changes["before"]),
    ):
        logger.info(line)


def _write_comparison(
    work: Path, comparison: Comparison, target: Target, retrained: ResamplingResult
) -> None:
    values = {name: json_number(value) for name, value in comparison.values.items()}
    _write(work / "metrics.json", values | retrained.values())
    for name, document in retrained.documents.items():
        _write(work / f"{name}.json", document)
    classes = {"classes": target.classes}  # the codes in the sample refer to them
    cold = {"cold_start": retrained.cold_start} if retrained.cold_start else {}
    _write(work / "comparison.json", {**classes, **comparison.document(), **cold})
    as_table(comparison.sample).write_parquet(work / "sample.parquet")


def _write_plots(
    folder: Path, curves: Mapping[str, pl.DataFrame], diagnoses: Mapping[str, pl.DataFrame]
) -> None:
    """Write curves as CSV for DVC, and diagnoses as Parquet, which keeps texts such as "007"."""
    folder.mkdir()
    digits = pl.col(pl.Float64).round_sig_figs(JSON_DIGITS)
    for name, table in curves.items():
        table.with_columns(digits).write_csv(folder / f"{name}.csv")
    for name, table in diagnoses.items():
        table.with_columns(digits).write_parquet(folder / f"{name}.parquet")


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
