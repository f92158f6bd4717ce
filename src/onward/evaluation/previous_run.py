"""What changed since the evaluation before: each metric, and whether that is more than noise."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from onward.artifacts.publishing import MANIFEST, manifest, verified
from onward.evaluation.baseline_comparison import MODEL, Comparison
from onward.evaluation.bootstrap import Estimate, Sample, resampled, rounded, shown
from onward.tasks import Metric
from onward.text_table import text_table

logger = logging.getLogger(__name__)

CHANGES = "changes.json"


@dataclass(frozen=True)
class Measured:
    """A model, measured on held-out rows."""

    values: Mapping[str, float | None]
    """By metric; None where the rows do not define it."""
    sample: Sample


@dataclass(frozen=True)
class Change:
    """Of one metric, from before to now."""

    before: float | None
    now: float | None
    difference: Estimate
    verdict: str
    """What `verdict` says."""

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        ends = {"before": self.before, "now": self.now}
        return {**ends, "difference": self.difference.document(), "verdict": self.verdict}


def changes_since(
    folder: Path, now: Comparison, classes: Sequence[str], inputs: Mapping[str, str], seed: int
) -> dict[str, Any]:
    """What changed since the evaluation that a folder has, as JSON has it.

    An evaluation of the same inputs is not compared with: what it says of its own changes stays.

    Args:
        folder: which the evaluation is about to replace.
        now: the new one.
        classes: of its target; the codes of other classes mean something else.
        inputs: what it was made from.
        seed: of the resampled rows.
    """
    nothing = {"of": dict(inputs), "before": None}
    if not (folder / MANIFEST).exists():
        return nothing
    noted, path = manifest(folder), folder / CHANGES
    if noted["inputs"] == inputs:
        return dict(json.loads(path.read_text())) if path.exists() else nothing
    document = json.loads(verified(folder / "comparison.json").read_text())
    if document.get("task") != now.task.name or document.get("classes") != list(classes):
        logger.info("evaluate: the run before predicted something else, and is not compared")
        return nothing
    before = _measured(folder, document, now.task.outputs)
    metrics = {n: metric for n, metric in now.task.metrics.items() if n in before.values}
    values = {name: rounded(value) for name, value in now.values.items()}  # as those before
    differences = changes(metrics, Measured(values, now.sample), before, seed)
    about = {"inputs": noted["inputs"], "is_paired": is_paired(now.sample, before.sample)}
    documents = {name: change.document() for name, change in differences.items()}
    return {"of": dict(inputs), "before": {**about, "metrics": documents}}


def _measured(folder: Path, document: Mapping[str, Any], outputs: Sequence[str]) -> Measured:
    table = pl.read_parquet(verified(folder / "sample.parquet"))
    values = {name: metric["value"] for name, metric in document[MODEL].items()}
    return Measured(values, as_sample(table, document["rows"], outputs))


def is_paired(now: Sample, before: Sample) -> bool:
    """Whether both come from the same rows: they have the same truth, in the same order.

    Different rows that look the same do no harm. Pairing what has nothing to do with each other
    gives the interval of unpaired rows.
    """
    return now.rows == before.rows and np.array_equal(now.target, before.target)


def changes(
    metrics: Mapping[str, Metric], now: Measured, before: Measured, seed: int
) -> dict[str, Change]:
    """Each metric's difference, with the 95 % interval of resampled rows.

    The same rows are resampled together, so that what is hard about them cancels; others apart.

    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 8.
    """
    apart = 0 if is_paired(now.sample, before.sample) else 1
    old = resampled(metrics, _known(before.values), before.sample, seed + apart)
    new = resampled(metrics, _known(now.values), now.sample, seed)
    found = {}
    for name, metric in metrics.items():
        difference = new[name].minus(old[name])
        ends = before.values[name], now.values[name]
        found[name] = Change(*ends, difference, verdict(metric, difference))
    return found


def verdict(metric: Metric, difference: Estimate) -> str:
    """A difference in a word or two; it is one only if its interval leaves out 0."""
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
    """A sample as a file holds it."""
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
    """What `as_table` made of predictions with these outputs."""
    predictions = {}
    for name in outputs:
        parts = [f"{name}_{i}" for i in range(table.width) if f"{name}_{i}" in table.columns]
        predictions[name] = (table.select(parts) if parts else table[name]).to_numpy()
    truth, weights = (table[name].to_numpy() for name in ("truth", "weight"))
    return Sample(truth, predictions, rows, weights)


def lines(metrics: Mapping[str, Metric], before: Mapping[str, Any] | None) -> Iterator[str]:
    """The document of all changes for people, if there was a run before."""
    if before is None:
        return
    rows = "the same rows" if before["is_paired"] else "other rows"
    yield f"evaluate: since the run before, on {rows}"
    cells = []
    for name, change in before["metrics"].items():
        difference = change["difference"]
        interval = f"{_signed(difference['lower'])} to {_signed(difference['upper'])}"
        values = (shown(change["before"]), shown(change["now"]), _signed(difference["value"]))
        cells.append([metrics[name].title, *values, interval, change["verdict"]])
    yield from text_table(["", "before", "now", "difference", "95 % interval", ""], cells)


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: np.nan if value is None else value for name, value in values.items()}


def _signed(value: float | None) -> str:
    return "none" if value is None else f"{value:+,.3g}"
