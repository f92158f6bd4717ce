"""Measure the exported file on rows that nothing was learned from, beside three yardsticks.

It knows the file and raw rows, and nothing of how the file was made; only for a cross-validation or
a learning curve it has others made in the same way.
"""

import difflib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import polars as pl
from pydantic import Field, PositiveInt, model_validator

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import (
    MANIFEST,
    inputs_of,
    manifest,
    publishing,
    refuse_stale,
    replacing,
    verified,
)
from onward.errors import ConfigError
from onward.evaluation.baseline_comparison import MODEL, Comparison, compare
from onward.evaluation.baselines import (
    WEIGHT,
    BoostedTrees,
    Constant,
    Linear,
    Validation,
    exported,
    targets_of,
    weights_of,
)
from onward.evaluation.bootstrap import DIGITS, rounded
from onward.evaluation.diagnostics import HeldOut, diagnosed
from onward.evaluation.latency import latency
from onward.evaluation.permutation_importance import importance
from onward.evaluation.previous_run import Measured, as_sample, as_table, changes, is_paired, lines
from onward.evaluation.resampling import Asked, OtherRows, other_rows
from onward.evaluation.retraining import Outcome, forget
from onward.preprocessing.columns import semantic_type
from onward.schema import Field as ColumnField
from onward.schema import Schema, Target
from onward.serving.predictor import Predictor
from onward.settings.family import Seed
from onward.settings.family import Settings as Base
from onward.tasks import Array, Estimator, Predict, Predictions, Task

logger = logging.getLogger(__name__)

READS = ("prepare", "export")

CHANGES = "changes.json"
NAMED = 10  # columns, in a message


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
    def of_other_rows(self) -> Asked:
        """The models that are to be made from other rows."""
        return Asked(self.cross_validation, self.learning_curve, self.at_once, self.seed)


def run(settings: Settings, folder: Path) -> None:
    """Write ``metrics.json``, ``comparison.json``, ``sample.parquet``, ``plots/`` and more.

    The metrics are those of the model alone, for `dvc metrics show`; the comparison has their
    intervals and the yardsticks. What changed since the run before, ``changes.json``, is written
    last and is not hashed: it depends on what was here, and not on the inputs alone.
    """
    refuse_stale(folder / "export")
    path = verified(folder / "export" / "model.onnx")
    predictor, prepared = Predictor(path), Prepared(folder / "prepare")
    _check_sensitive(settings.sensitive, predictor.schema)
    schema = predictor.schema
    task = Task.named(str(path), predictor.metadata["task"], schema.target)
    test = _rows(prepared, "test")
    target, weights = targets_of(task, test), weights_of(test)
    predictors = _predictors(predictor, task, prepared, settings.seed)
    predictions = {name: predict(test) for name, predict in predictors.items()}
    comparison = compare(task, target, predictions, settings.seed, weights)
    columns = test.select(field.name for field in schema.columns)
    tables = _curves(task, target, predictions[MODEL], settings.seed)
    tables["importance"] = importance(
        predictors[MODEL], task.main_metric, columns, target, settings.seed, weights
    )
    held_out = HeldOut(
        task,
        schema.columns,
        columns,
        prepared.row_numbers("test"),
        target,
        predictions[MODEL],
        predictions["boosted_trees"],
    )
    ordered = tables["importance"]["column"].to_list()
    diagnoses = diagnosed(held_out, predictors[MODEL], ordered, settings.sensitive, settings.seed)
    published = Outcome(*_learned(prepared), target, predictions[MODEL], weights)
    others = other_rows(settings.of_other_rows, folder, task, published)
    inputs = inputs_of(folder, *READS)
    changed = _changes(folder / "evaluate", comparison, schema.target, inputs, settings.seed)
    with publishing(folder / "evaluate", inputs=inputs) as work:
        _write_comparison(work, comparison, schema.target, others)
        _write(work / "latency.json", latency(predictor, columns))
        _write_plots(work / "plots", tables | others.tables(), diagnoses)
    with replacing(folder / "evaluate" / CHANGES) as new:
        _write(new, changed)
    forget(folder)
    for line in (*comparison.lines(), *others.lines(), *lines(task.metrics, changed["before"])):
        logger.info(line)


def _rows(prepared: Prepared, split: str) -> pl.DataFrame:
    """Raw values and derived ones, beside how much a row counts, if rows do not count alike."""
    parts = [prepared.rows(split), prepared.derived(split)]
    rows, weights = pl.concat(parts, how="horizontal").collect(), prepared.weights(split)
    return rows if weights is None else rows.with_columns(pl.Series(WEIGHT, weights))


def _curves(
    task: Task, target: Array, predictions: Predictions, seed: int
) -> dict[str, pl.DataFrame]:
    random = np.random.default_rng(seed)
    return {
        name: curve(task.target.classes, target, predictions, random)
        for name, curve in task.curves.items()
    }


def _learned(prepared: Prepared) -> tuple[int, int]:
    """How many rows are for training, and how many for validation."""
    rows = prepared.profiles()["rows"]
    return rows["train"], rows["validation"]


def _predictors(
    predictor: Predictor, task: Task, prepared: Prepared, seed: int
) -> dict[str, Predict]:
    """The file, and the yardsticks, trained here."""
    train, validation = (_rows(prepared, split) for split in ("train", "validation"))
    model = exported(predictor, task)
    schema = _seen(predictor.schema, prepared)
    calibration = Validation(task, validation, model)
    estimators: dict[str, Estimator] = {
        "constant": Constant(task, train),
        "linear": Linear(task, schema, train, seed),
        "boosted_trees": BoostedTrees(task, schema, train, seed),
    }
    baselines = {
        name: task.calibrated(task.answer(estimator), calibration)
        for name, estimator in estimators.items()
    }
    return {MODEL: model, **baselines}


def _seen(schema: Schema, prepared: Prepared) -> Schema:
    """With the columns that features are made of and baselines can read, derived ones included."""
    features, derived = prepared.features(), prepared.derived("train").collect_schema()
    fields = [*schema.columns]
    for name, dtype in derived.items():
        kind = "categorical" if name in features.categorical else "numerical"
        fields.append(ColumnField(name, kind, "text" if dtype == pl.String else "number"))
    seen = tuple(
        field
        for field in fields
        if field.name in features.columns and semantic_type(field) != "none"
    )
    return replace(schema, columns=seen)


def _check_sensitive(names: Sequence[str], schema: Schema) -> None:
    known = [field.name for field in schema.columns]
    for name in names:
        if name not in known:
            meant = difflib.get_close_matches(name, known, 1)
            few = ", ".join(known[:NAMED]) + (", ..." if len(known) > NAMED else "")
            hint = f"Did you mean {meant[0]!r}?" if meant else f"There are {few}"
            raise ConfigError(
                f"evaluate.sensitive: {name!r} is no column that the model reads, and of others no"
                f" values are kept. {hint}"
            )


def _write_comparison(
    work: Path, comparison: Comparison, target: Target, others: OtherRows
) -> None:
    values = {name: rounded(value) for name, value in comparison.values.items()}
    _write(work / "metrics.json", values | others.values())
    for name, document in others.documents.items():
        _write(work / f"{name}.json", document)
    classes = {"classes": target.classes}  # codes of others would mean something else
    _write(work / "comparison.json", {**classes, **comparison.document()})
    as_table(comparison.sample).write_parquet(work / "sample.parquet")


def _changes(
    folder: Path, now: Comparison, target: Target, inputs: Mapping[str, str], seed: int
) -> dict[str, Any]:
    """What changed since the evaluation that is there; one of the same inputs says it again."""
    nothing = {"of": dict(inputs), "before": None}
    if not (folder / MANIFEST).exists():
        return nothing
    noted, path = manifest(folder), folder / CHANGES
    if noted["inputs"] == inputs:
        return dict(json.loads(path.read_text())) if path.exists() else nothing
    document = json.loads(verified(folder / "comparison.json").read_text())
    if document.get("task") != now.task.name or document.get("classes") != list(target.classes):
        logger.info("evaluate: the run before predicted something else, and is not compared")
        return nothing
    table = pl.read_parquet(verified(folder / "sample.parquet"))
    before = Measured(
        {name: metric["value"] for name, metric in document[MODEL].items()},
        as_sample(table, document["rows"], now.task.outputs),
    )
    metrics = {n: metric for n, metric in now.task.metrics.items() if n in before.values}
    values = {name: rounded(value) for name, value in now.values.items()}  # as those before
    found = changes(metrics, Measured(values, now.sample), before, seed)
    about = {"inputs": noted["inputs"], "is_paired": is_paired(now.sample, before.sample)}
    documents = {name: change.document() for name, change in found.items()}
    return {"of": dict(inputs), "before": {**about, "metrics": documents}}


def _write_plots(
    folder: Path, curves: Mapping[str, pl.DataFrame], diagnoses: Mapping[str, pl.DataFrame]
) -> None:
    """Curves for DVC; the others keep their types, as CSV would take a text "007" for a number."""
    folder.mkdir()
    digits = pl.col(pl.Float64).round_sig_figs(DIGITS)
    for name, table in curves.items():
        table.with_columns(digits).write_csv(folder / f"{name}.csv")
    for name, table in diagnoses.items():
        table.with_columns(digits).write_parquet(folder / f"{name}.parquet")


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
