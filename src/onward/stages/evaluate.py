"""Measure the exported file on rows that nothing was learned from, beside two yardsticks.

It knows the file and raw rows, and nothing of how the file was made.
"""

import difflib
import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from onward.bootstrap import Estimate, estimates
from onward.curves import CURVES
from onward.diagnostics import HeldOut, diagnosed
from onward.errors import ConfigError
from onward.family import Seed
from onward.family import Settings as Base
from onward.files import inputs_of, publishing, refuse_stale, verified
from onward.importance import importance
from onward.latency import latency
from onward.metrics import METRICS, Metric, Predictions
from onward.predictor import Predictor
from onward.prepared import Prepared
from onward.schema import Schema
from onward.yardsticks import Predict, boosted_trees, codes_of, constant, targets_of

logger = logging.getLogger(__name__)

Estimates = Mapping[str, Mapping[str, Estimate]]
"""By predictor and metric."""

LARGE = 10_000.0  # from here on, nobody wants digits behind the point
NAMED = 10  # columns, in a message
DIGITS = 6  # of what is written; the interval starts long before


class Settings(Base):
    """``seed`` of the resampled rows, the shuffled columns and the boosted trees.

    ``sensitive``: columns whose groups are compared in a table of fairness, such as sex or race;
    they must be among the model's.
    """

    seed: Seed = 0
    sensitive: tuple[str, ...] = ()


def run(settings: Settings, folder: Path) -> None:
    """Write ``metrics.json``, ``comparison.json``, ``latency.json`` and ``plots/``.

    The metrics are those of the model alone, for `dvc metrics show`; the comparison has their
    intervals and the yardsticks.
    """
    refuse_stale(folder / "export")
    path = verified(folder / "export" / "model.onnx")
    predictor, prepared = Predictor(path), Prepared(folder / "prepare")
    _check_sensitive(settings.sensitive, predictor.schema)
    task, schema = predictor.metadata["task"], predictor.schema
    test = prepared.rows("test").collect()
    target = targets_of(schema, test)
    predictors = _predictors(predictor, prepared, settings.seed)
    predictions = {name: predict(test) for name, predict in predictors.items()}
    found = {
        name: estimates(METRICS[task], target, predicted, settings.seed)
        for name, predicted in predictions.items()
    }
    columns = test.select(field.name for field in schema.columns)
    random = np.random.default_rng(settings.seed)
    tables = {
        name: curve(schema.target.classes, target, predictions["model"], random)
        for name, curve in CURVES[task].items()
    }
    main = next(iter(METRICS[task].values()))
    tables["importance"] = importance(predictors["model"], main, columns, target, settings.seed)
    held_out = HeldOut(schema, columns, target, predictions["model"], predictions["boosted_trees"])
    ordered = tables["importance"]["column"].to_list()
    diagnoses = diagnosed(
        held_out, predictors["model"], main, ordered, settings.sensitive, settings.seed
    )
    with publishing(folder / "evaluate", inputs=inputs_of(folder, "prepare", "export")) as work:
        document = _document(found)
        values = {name: estimate["value"] for name, estimate in document["model"].items()}
        _write(work / "metrics.json", values)
        _write(work / "comparison.json", {"task": task, "rows": len(test), **document})
        _write(work / "latency.json", latency(predictor, columns))
        _write_plots(work / "plots", tables, diagnoses)
    for line in _comparison(METRICS[task], found, len(test)):
        logger.info(line)


def _predictors(predictor: Predictor, prepared: Prepared, seed: int) -> dict[str, Predict]:
    """The file, and the yardsticks, trained here."""
    schema = predictor.schema
    train, validation = (prepared.rows(split).collect() for split in ("train", "validation"))

    def model(rows: pl.DataFrame) -> Predictions:
        predictions = predictor(rows)
        if schema.target.kind == "number":
            return predictions
        labels = pl.Series(predictions["label"].tolist(), dtype=pl.String)
        return predictions | {"label": codes_of(schema.target.classes, labels)}

    coverage = 0.0
    if schema.target.kind == "number":  # the model's own, where it was set
        metric = METRICS[predictor.metadata["task"]]["coverage"]
        coverage = metric(targets_of(schema, validation), model(validation))
    return {
        "model": model,
        "constant": constant(schema, train, validation, coverage),
        "boosted_trees": boosted_trees(schema, train, validation, coverage, seed),
    }


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


def _document(found: Estimates) -> dict[str, Any]:
    """As JSON has it: no NaN."""
    return {
        name: {
            metric: {
                key: float(f"{number:.{DIGITS}g}") if math.isfinite(number) else None
                for key, number in asdict(estimate).items()
            }
            for metric, estimate in metrics.items()
        }
        for name, metrics in found.items()
    }


def _write_plots(
    folder: Path, curves: Mapping[str, pl.DataFrame], diagnoses: Mapping[str, pl.DataFrame]
) -> None:
    """Curves for DVC; the others keep their types, as CSV would take a text "007" for a number."""
    folder.mkdir()
    rounded = pl.col(pl.Float64).round_sig_figs(DIGITS)
    for name, table in curves.items():
        table.with_columns(rounded).write_csv(folder / f"{name}.csv")
    for name, table in diagnoses.items():
        table.with_columns(rounded).write_parquet(folder / f"{name}.parquet")


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")


def _comparison(metrics: Mapping[str, Metric], found: Estimates, rows: int) -> Iterator[str]:
    """A table for people."""
    yield f"evaluate: {rows:,} held-out rows"
    yield f"  {'':18}{'model':>11}{'95 % interval':>24}{'constant':>11}{'boosted trees':>15}"
    for name, metric in metrics.items():
        model, constant, trees = (
            found[who][name] for who in ("model", "constant", "boosted_trees")
        )
        interval = f"{_shown(model.lower)} to {_shown(model.upper)}"
        yield (
            f"  {metric.title:18}{_shown(model.value):>11}{interval:>24}"
            f"{_shown(constant.value):>11}{_shown(trees.value):>15}"
        )


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:.4g}"
