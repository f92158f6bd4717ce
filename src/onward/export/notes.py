"""What a model file says of itself, beside its graph."""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl

from onward.schema import Schema
from onward.table.column_profile import profile, reference
from onward.tasks import Predictions, Task

REPLAYED = 100  # raw rows that travel in the file, with their predictions
FORMAT = "1"  # of the metadata; readers refuse what they do not know
PACKAGES = ("onward", "torch", "lightning", "onnx", "onnxruntime")


def notes(
    task: Task,
    schema: Schema,
    rows: pl.DataFrame,
    predict: Callable[[pl.DataFrame], Predictions],
    report: Mapping[str, Any],
    text_readers: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Rows to replay, versions, and the distributions of columns and predictions.

    Args:
        task: of the file.
        schema: of the file.
        rows: raw ones for testing.
        predict: asks the file.
        report: on the data.
        text_readers: as ``prepare`` wrote them; those of the file's columns are kept.
    """
    replayed = rows[np.unique(np.linspace(0, len(rows) - 1, REPLAYED).astype(int))]
    found: dict[str, Any] = {
        "replay": {
            "rows": {field.name: replayed[field.name].to_list() for field in schema.columns},
            "predictions": {name: v.tolist() for name, v in predict(replayed).items()},
        },
        "versions": {name: version(name) for name in PACKAGES},
        "reference": {
            "columns": _of_columns(report, schema),
            "predictions": _of_predictions(task.monitored(predict(rows))),
        },
    }
    names = {field.name for field in schema.columns}
    if readers := [reader for reader in text_readers if names & {*reader["columns"]}]:
        found["text_readers"] = readers
    if derived := report.get("derived"):
        found["derived"] = [{name: column[name] for name in ("name", "made")} for column in derived]
    return found


def metadata(task: Task, schema: Schema, known: Mapping[str, Any]) -> dict[str, str]:
    """All of it as ``metadata_props`` has it: text."""
    texts = {name: json.dumps(note, ensure_ascii=False) for name, note in known.items()}
    return {"onward": FORMAT, "task": task.name, "schema": schema.dump(), **texts}


def _of_columns(report: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    rows, names = report["rows"]["train"], {field.name for field in schema.columns}
    return {c["name"]: reference(c, rows) for c in report["columns"] if c["name"] in names}


def _of_predictions(values: Mapping[str, pl.Series]) -> dict[str, Any]:
    return {name: reference(profile(column), len(column)) for name, column in values.items()}
