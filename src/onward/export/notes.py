"""The metadata of a model file."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import polars as pl

from onward.export.privacy import Privacy, plain_values, rows_to_replay, without_values
from onward.schema import Schema
from onward.table.column_profile import profile, reference
from onward.tasks import Predictions, Task

FORMAT = "2"  # of the metadata; readers refuse what they do not know
PACKAGES = ("onward", "torch", "lightning", "onnx", "onnxruntime")


@dataclass(frozen=True)
class Facts:
    """What the stages know of the columns."""

    data: Mapping[str, Any]
    """The report on the data."""
    text_readers: Sequence[Mapping[str, Any]]
    """As ``prepare`` wrote them; those of the file's columns are kept."""
    monitor: Mapping[str, Any]
    """The note for monitors."""


def notes(
    schema: Schema,
    rows: pl.DataFrame,
    predict: Callable[[pl.DataFrame], Predictions],
    of_outputs: Mapping[str, pl.Series],
    facts: Facts,
    privacy: Privacy,
) -> dict[str, Any]:
    """Rows to replay, versions, and the distributions of columns and predictions.

    Args:
        schema: of the file.
        rows: raw ones for testing.
        predict: asks the file.
        of_outputs: the predictions of these rows, as far as their distribution is kept.
        facts: on the columns.
        privacy: what of them may travel.
    """
    replayed = rows_to_replay(privacy, schema.columns, rows, facts.monitor)
    document: dict[str, Any] = {
        "replay": {
            "rows": {column.name: plain_values(column) for column in replayed},
            "predictions": {name: v.tolist() for name, v in predict(replayed).items()},
        },
        "versions": {name: version(name) for name in PACKAGES},
        "reference": {
            "columns": without_values(_of_columns(facts.data, schema), privacy.hide),
            "predictions": _of_predictions(of_outputs),
        },
        "monitor": facts.monitor,
        "privacy": privacy.model_dump(mode="json"),
    }
    names = {field.name for field in schema.columns}
    if readers := [reader for reader in facts.text_readers if names & {*reader["columns"]}]:
        document["text_readers"] = readers
    if derived := facts.data.get("derived"):
        document["derived"] = [
            {name: column[name] for name in ("name", "made")} for column in derived
        ]
    return document


def metadata(task: Task, schema: Schema, known: Mapping[str, Any]) -> dict[str, str]:
    """The notes as ``metadata_props``: text."""
    texts = {name: json.dumps(note, ensure_ascii=False) for name, note in known.items()}
    return {"onward": FORMAT, "task": task.name, "schema": schema.dump(), **texts}


def _of_columns(report: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    rows, names = report["rows"]["train"], {field.name for field in schema.columns}
    return {c["name"]: reference(c, rows) for c in report["columns"] if c["name"] in names}


def _of_predictions(values: Mapping[str, pl.Series]) -> dict[str, Any]:
    return {name: reference(profile(column), len(column)) for name, column in values.items()}
