"""Changes since the previous evaluation: each metric, and whether its change is significant."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from onward.artifacts.publishing import MANIFEST, manifest, verify
from onward.evaluation.baseline_comparison import MODEL, Comparison
from onward.evaluation.bootstrap import Estimate, Sample, format_value, json_number, resample
from onward.tasks import Metric
from onward.wording import format_signed, text_table

logger = logging.getLogger(__name__)

CHANGES_FILE = "changes.json"


@dataclass(frozen=True)
class MeasuredModel:
    """The metrics of a model on its test rows."""

    values: Mapping[str, float | None]
    """By metric; None if the rows do not define it."""
    sample: Sample


@dataclass(frozen=True)
class Change:
    """The change of one metric since the previous run."""

    before: float | None
    now: float | None
    difference: Estimate
    verdict: str
    """The result of `verdict`."""

    def document(self) -> dict[str, Any]:
        """The change as a JSON document."""
        ends = {"before": self.before, "now": self.now}
        return {**ends, "difference": self.difference.document(), "verdict": self.verdict}


def changes_since(
    folder: Path, now: Comparison, classes: Sequence[str], inputs: Mapping[str, str], seed: int
) -> dict[str, Any]:
    """The changes since the evaluation in a folder, as a JSON document.

    If that evaluation has the same inputs, its own document of changes is kept.

    Args:
        folder: of the evaluation that is about to be replaced.
        now: the new evaluation.
        classes: of the target; codes of different classes are not comparable.
        inputs: hashes of the inputs of the new evaluation.
        seed: of the resampled rows.
    """
    nothing = {"of": dict(inputs), "before": None}
    if not (folder / MANIFEST).exists():
        return nothing
    recorded, path = manifest(folder), folder / CHANGES_FILE
    if recorded["inputs"] == inputs:
        return dict(json.loads(path.read_text())) if path.exists() else nothing
    document = json.loads(verify(folder / "comparison.json").read_text())
    if document.get("task") != now.task.name or document.get("classes") != list(classes):
        logger.info(
            "evaluate: no comparison with the previous run, which had another task or other classes"
        )
        return nothing
    before = _measured_model(folder, document, now.task.outputs)
    metrics = {n: metric for n, metric in now.task.metrics.items() if n in before.values}
    # rounded like the previous ones
    values = {name: json_number(value) for name, value in now.values.items()}
    differences = changes(metrics, MeasuredModel(values, now.sample), before, seed)
    about = {"inputs": recorded["inputs"], "is_paired": is_paired(now.sample, before.sample)}
    documents = {name: change.document() for name, change in differences.items()}
    return {"of": dict(inputs), "before": {**about, "metrics": documents}}


def _measured_model(
    folder: Path, document: Mapping[str, Any], outputs: Sequence[str]
) -> MeasuredModel:
    table = pl.read_parquet(verify(folder / "sample.parquet"))
    values = {name: metric["value"] for name, metric in document[MODEL].items()}
    return MeasuredModel(values, as_sample(table, document["rows"], outputs))


def is_paired(now: Sample, before: Sample) -> bool:
    """Whether both samples have the same rows: the same true values in the same order.

    Different rows with equal true values do no harm: pairing independent rows gives the interval of
    unpaired rows.
    """
    return now.rows == before.rows and np.array_equal(now.target, before.target)


def changes(
    metrics: Mapping[str, Metric], now: MeasuredModel, before: MeasuredModel, seed: int
) -> dict[str, Change]:
    """The difference of each metric, with its 95 % bootstrap interval.

    The same rows share their resamples, so row difficulty cancels out; different rows do not.

    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 8.
    """
    apart = 0 if is_paired(now.sample, before.sample) else 1
    old = resample(metrics, _with_nan(before.values), before.sample, seed + apart)
    new = resample(metrics, _with_nan(now.values), now.sample, seed)
    result = {}
    for name, metric in metrics.items():
        difference = new[name].minus(old[name])
        ends = before.values[name], now.values[name]
        result[name] = Change(*ends, difference, verdict(metric, difference))
    return result


def verdict(metric: Metric, difference: Estimate) -> str:
    """A difference in a word or two; it is significant if its interval excludes 0.

    Without an interval it is ``unknown``.
    """
    if not np.isfinite([difference.value, difference.lower, difference.upper]).all():
        return "unknown"
    if difference.lower == difference.upper == 0:
        return "unchanged"
    if difference.lower <= 0 <= difference.upper:
        return "within noise"
    is_higher = difference.value > 0
    if metric.better == "neither":
        return "higher" if is_higher else "lower"
    return "better" if is_higher == (metric.better == "higher") else "worse"


def as_table(sample: Sample) -> pl.DataFrame:
    """A sample as a table for a file."""
    columns: dict[str, Any] = {"truth": sample.target, "weight": sample.weights}
    for name, values in sample.predictions.items():
        parts = (
            {name: values}
            if values.ndim == 1
            else {f"{name}_{i}": v for i, v in enumerate(values.T)}
        )
        columns |= parts
    return pl.DataFrame(columns)


def as_sample(table: pl.DataFrame, rows: int, outputs: Sequence[str]) -> Sample:
    """The sample that `as_table` turned into a table."""
    predictions = {}
    for name in outputs:
        parts = [f"{name}_{i}" for i in range(table.width) if f"{name}_{i}" in table.columns]
        predictions[name] = (table.select(parts) if parts else table[name]).to_numpy()
    truth, weights = (table[name].to_numpy() for name in ("truth", "weight"))
    return Sample(truth, predictions, rows, weights)


def table_lines(metrics: Mapping[str, Metric], before: Mapping[str, Any] | None) -> Iterator[str]:
    """The changes as a table for the terminal; nothing without a previous run."""
    if before is None:
        return
    rows = "the same rows" if before["is_paired"] else "different rows"
    yield f"evaluate: changes since the previous run, on {rows}"
    cells = []
    for name, change in before["metrics"].items():
        difference = change["difference"]
        lower, upper = (_format_difference(difference[end]) for end in ("lower", "upper"))
        values = (
            format_value(change["before"]),
            format_value(change["now"]),
            _format_difference(difference["value"]),
        )
        ends = "-" if difference["lower"] is None else f"{lower} to {upper}"
        cells.append([metrics[name].title, *values, ends, change["verdict"]])
    yield from text_table(["", "before", "now", "difference", "95 % interval", ""], cells)


def _with_nan(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: np.nan if value is None else value for name, value in values.items()}


def _format_difference(value: float | None) -> str:
    return "none" if value is None else format_signed(value)
