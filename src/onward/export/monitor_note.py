"""What a monitor needs to know of the training rows and of held-out predictions."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import polars as pl
import torch

from onward.artifacts.prepared import Prepared
from onward.blocks import CATEGORICAL
from onward.monitoring.bins import (
    TIME_OF_DAY,
    Bins,
    CategoryBins,
    frequent_bins,
    quantile_bins,
)
from onward.monitoring.calibration import calibration_of
from onward.monitoring.column_values import bin_indices, category_names, distinct_values, numbers
from onward.monitoring.effects import BLOCKS, LEAST_BLOCK, spread_of_blocks
from onward.monitoring.estimation import Correction
from onward.monitoring.predictions import calibrated, loss_of, monitored_values, outcomes, scores
from onward.monitoring.slices import LEAST_SLICE
from onward.network.scoring import Scoring
from onward.preprocessing.columns import semantic_type
from onward.schema import Field, Target
from onward.serving.column_settings import unit_of
from onward.serving.text_reading import TextReader
from onward.serving.training_comparison import UNSEEN
from onward.tasks import Array, Predictions, Task
from onward.tasks.metrics import Metric
from onward.training.batches import Rows
from onward.training.permutation_loss import relevance
from onward.wires import SCALARS

IMPORTANCE_ROWS = 5_000
GROUPS = 20  # of rows, each left out once, for the standard error of a metric
DIGITS = 5


def monitor_note(
    task: Task,
    prepared: Prepared,
    network: Scoring,
    predictions: Predictions,
    hidden: Collection[str],
) -> dict[str, Any]:
    """The note, for the file.

    Args:
        task: of the file.
        prepared: the rows; columns that the file does not have are left out.
        network: as it was exported.
        predictions: outputs of the file for the test rows.
        hidden: columns of which only the share of missing values is kept.
    """
    target_values = prepared.rows("test").select(task.target.name).collect().to_series()
    truth = task.encode(target_values)
    weights = prepared.weights("test")
    results = outcomes(predictions, truth, task.target)
    note = {
        "rows": {split: prepared.num_rows(split) for split in ("train", "validation", "test")},
        "columns": _columns(prepared, network, hidden, loss_of(results)),
        "outputs": _outputs(task, predictions, truth, results.get("coverage")),
        "quality": _quality(results, weights),
        "metrics": _metrics(task.metrics, truth, task.read(predictions), weights),
    }
    of_rows = scores(predictions, task.target)
    if of_rows is not None:
        note["correction"] = Correction.learn(of_rows, results[of_rows.name]).note()
        note |= _calibration(*calibrated(predictions, truth, task.target), task.target)
    return note


def _calibration(position: Array, outcome: Array, target: Target) -> dict[str, Any]:
    measure = calibration_of(position, is_probability=bool(target.classes))
    slope = measure.slope(measure.sums(position, outcome))
    if slope is None:  # too few rows
        return {}
    about = {"slope": _short(slope.value), "error": _short(slope.error), **measure.note()}
    return {"calibration": about}


def _columns(
    prepared: Prepared, network: Scoring, hidden: Collection[str], loss: Array | None
) -> dict[str, dict[str, Any]]:
    fields = prepared.schema().columns
    known = {field.name: field for field in fields}
    readers = [TextReader(note, known) for note in prepared.text_readers()]
    reader_of = {name: reader for reader in readers for name in reader.columns}
    importance, unseen = _importance(prepared, network), _unseen(prepared)
    train, test = prepared.rows("train"), prepared.rows("test")
    notes = {}
    for field in fields:
        values = train.select(field.name).collect().to_series()
        reader = reader_of.get(field.name)
        bins: Bins = CategoryBins(()) if field.name in hidden else _bins(field, values, reader)
        notes[field.name] = {
            **_histogram(bins, bin_indices(field, values, bins, reader)),
            "importance": _short(importance.get(field.name, 0.0)),
        }
        if field.name in unseen:
            notes[field.name]["unseen"] = unseen[field.name]
        if loss is not None:
            new = test.select(field.name).collect().to_series()
            notes[field.name]["losses"] = _losses(bin_indices(field, new, bins, reader), bins, loss)
    return notes


def _losses(indices: Array, bins: Bins, loss: Array) -> list[tuple[int, float, float]]:
    """Test rows of each bin, mean and standard deviation of their loss; 0 for few rows."""
    rows, total, squares = (np.bincount(indices, part, bins.size) for part in (None, loss, loss**2))
    mean = total / np.maximum(rows, 1)
    spread = np.sqrt(np.maximum(squares / np.maximum(rows, 1) - mean**2, 0))
    return [
        (int(n), float(f"{m:.4g}"), float(f"{s:.4g}")) if n >= LEAST_SLICE else (0, 0, 0)
        for n, m, s in zip(rows, mean, spread, strict=True)
    ]


def _bins(field: Field, values: pl.Series, reader: TextReader | None) -> Bins:
    """Bins of numbers, of times of day, or of categories; of other values only that they exist."""
    kind = semantic_type(field)
    if kind == "category" and field.wire in SCALARS:
        distinct, inverse = distinct_values(field, values)
        counts = np.bincount(inverse, minlength=len(distinct)).tolist()
        names: Counter[str] = Counter()
        for name, count in zip(category_names(field, distinct), counts, strict=True):
            if name is not None:
                names[name] += count
        return frequent_bins(names)
    if kind == "none" or field.wire not in SCALARS or (field.wire == "text" and reader is None):
        return CategoryBins(())
    unit = TIME_OF_DAY if field.type == "datetime" else unit_of(field)
    return quantile_bins(numbers(field, values, reader), unit)


def _histogram(bins: Bins, indices: Array) -> dict[str, Any]:
    """Edges or categories, counts, and the spread of the counts between blocks of rows."""
    rows = len(indices)
    number = max(1, min(BLOCKS, rows // LEAST_BLOCK))
    block = np.arange(rows) * number // max(rows, 1)
    flat = np.bincount(block * bins.size + indices, minlength=number * bins.size)
    blocks = flat.reshape(number, bins.size)
    return {
        **bins.note(),
        "counts": blocks.sum(0).tolist(),
        "spread": _short(spread_of_blocks(blocks)),
    }


def _unseen(prepared: Prepared) -> dict[str, tuple[int, int]]:
    """For each column of categories, how many test rows have one that no training row has."""
    blocks = prepared.blocks()
    if CATEGORICAL not in blocks:
        return {}
    codes, block = prepared.arrays("test").features[CATEGORICAL], blocks[CATEGORICAL]
    return {
        name: (int((codes[:, block.indices([name])] == UNSEEN).any(axis=1).sum()), len(codes))
        for name in dict.fromkeys(block.owners)
    }


def _importance(prepared: Prepared, network: Scoring) -> dict[str, float]:
    """How much the loss of validation rows grows when a column is shuffled."""
    rows = Rows.of(prepared.arrays("validation"))
    chosen = torch.from_numpy(_evenly(len(rows), IMPORTANCE_ROWS))
    relevances = relevance(network, rows.take(chosen), seed=0, repeats=1)
    return {column.column: column.value for column in relevances}


def _outputs(
    task: Task, predictions: Predictions, truth: Array, inside: Array | None
) -> dict[str, dict[str, Any]]:
    """Histograms, and for each bin how often it was right: the class came, the interval held."""
    notes = {}
    for index, (name, values) in enumerate(monitored_values(predictions, task.target).items()):
        bins = quantile_bins(values)
        indices = bins.indices(values)
        first = len(task.target.classes) == 2
        happened = (truth == index + first) * 1.0 if task.target.classes else inside
        notes[name] = _histogram(bins, indices)
        if happened is not None:
            rows = np.bincount(indices, minlength=bins.size)
            total = np.bincount(indices, happened, bins.size)
            notes[name]["rates"] = [*map(_short, total / np.maximum(rows, 1))]
    return notes


def _quality(of_rows: Mapping[str, Array], weights: Array | None) -> dict[str, dict[str, float]]:
    moments = {}
    for name, values in of_rows.items():
        mean = float(np.average(values, weights=weights))
        spread = float(np.average((values - mean) ** 2, weights=weights)) ** 0.5
        moments[name] = {"mean": _short(mean), "sd": _short(spread), "rows": len(values)}
    return moments


def _metrics(
    metrics: Mapping[str, Metric], truth: Array, predictions: Predictions, weights: Array | None
) -> dict[str, dict[str, float | None]]:
    """Each metric with its standard error.

    Source: the delete-a-group jackknife, Efron and Tibshirani 1993, "An Introduction to the
    Bootstrap", chapter 11.
    """
    rows = len(truth)
    of_rows = np.ones(rows) if weights is None else weights
    group = np.arange(rows) * GROUPS // max(rows, 1)
    without = of_rows * (group != np.arange(GROUPS)[:, None])
    estimates: dict[str, dict[str, float | None]] = {}
    is_defined = bool((without.sum(1) > 0).all())  # not of a single row
    for name, metric in metrics.items():
        value = metric.ask(truth, predictions)
        others = np.array([value(part) for part in without]) if is_defined else np.array([np.nan])
        error = float(others.std() * (GROUPS - 1) ** 0.5)
        estimates[name] = {"value": _number(value(of_rows)), "error": _number(error)}
    return estimates


def _evenly(rows: int, most: int) -> Array:
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(np.int64))


def _number(value: float) -> float | None:
    return _short(value) if np.isfinite(value) else None


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
