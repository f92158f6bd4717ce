"""Measure the exported file on rows that nothing was learned from, beside two yardsticks.

It knows the file and raw rows, and nothing of how the file was made.
"""

import json
import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from onward.bootstrap import Estimate, estimates
from onward.curves import CURVES
from onward.family import Seed
from onward.family import Settings as Base
from onward.files import inputs_of, publishing, refuse_stale, verified
from onward.importance import importance
from onward.latency import latency
from onward.metrics import METRICS, Metric, Predictions
from onward.predictor import Predictor
from onward.prepared import Prepared
from onward.yardsticks import Predict, boosted_trees, codes_of, constant, targets_of

logger = logging.getLogger(__name__)

Estimates = Mapping[str, Mapping[str, Estimate]]
"""By predictor and metric."""

LARGE = 10_000.0  # from here on, nobody wants digits behind the point
DIGITS = 6  # of what is written; the interval starts long before


class Settings(Base):
    """``seed`` of the resampled rows, the shuffled columns and the boosted trees."""

    seed: Seed = 0


def run(settings: Settings, folder: Path) -> None:
    """Write ``metrics.json``, ``comparison.json``, ``latency.json`` and ``plots/``.

    The metrics are those of the model alone, for `dvc metrics show`; the comparison has their
    intervals and the yardsticks.
    """
    refuse_stale(folder / "export")
    path = verified(folder / "export" / "model.onnx")
    predictor, prepared = Predictor(path), Prepared(folder / "prepare")
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
    with publishing(folder / "evaluate", inputs=inputs_of(folder, "prepare", "export")) as work:
        document = _document(found)
        values = {name: estimate["value"] for name, estimate in document["model"].items()}
        _write(work / "metrics.json", values)
        _write(work / "comparison.json", {"task": task, "rows": len(test), **document})
        _write(work / "latency.json", latency(predictor, columns))
        (work / "plots").mkdir()
        for name, table in tables.items():
            rounded = table.with_columns(pl.col(pl.Float64).round_sig_figs(DIGITS))
            rounded.write_csv(work / "plots" / f"{name}.csv")
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
