"""A model file as a function of Arrow tables, for engines such as Ray, Spark and DuckDB.

Needs pyarrow, which these engines bring, and what `onward.Predictor` needs.
"""

from collections.abc import Sequence
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from onward.errors import DataError, suggestion
from onward.serving.input_arrays import Array
from onward.serving.output_columns import output_columns
from onward.serving.predictor import Predictor

__all__ = ("score",)

MODELS = 8  # that a process keeps loaded
Rows = TypeVar("Rows", pa.RecordBatch, pa.Table)


def score(
    batch: Rows, model: str | PathLike[str] | bytes | Predictor, keep: Sequence[str] = ()
) -> Rows:
    """Predict the rows of a batch.

    Its columns may be in any order, and others than the model's are ignored. A batch without rows
    tells the types of the result.

    Args:
        batch: a record batch or a table.
        model: the path of a model file, its content, or a predictor. A process loads a file once.
        keep: columns of the batch to return beside the predictions.

    Returns:
        The columns ``keep`` as they are in the batch, then those that `onward predict` writes:
        ``label`` and a ``probability_<class>`` for each class, or ``value``, ``lower`` and
        ``upper``. It is a record batch or a table, as ``batch`` is.

    Raises:
        ArtifactError: if the file is missing, damaged, or none of ours.
        DataError: naming column, row and value, if the rows do not fit; as `Predictor` does.
    """
    predictor = _predictor(model)
    columns = output_columns(predictor(batch), predictor.schema.target.classes)
    predictions = {name: _array(values) for name, values in columns.items()}
    for name in keep:
        if name not in batch.schema.names:
            known = suggestion(name, batch.schema.names)
            raise DataError(f"keep: the batch has no column {name!r}. {known}")
        if name in predictions:
            raise DataError(f"keep: {name!r} is also an output of the model. Rename the column")
    return type(batch).from_pydict({name: batch.column(name) for name in keep} | predictions)


def _array(values: Array) -> pa.Array:
    return pa.array(values, pa.string()) if values.dtype.kind == "O" else pa.array(values)


def _predictor(model: str | PathLike[str] | bytes | Predictor) -> Predictor:
    if isinstance(model, Predictor):
        return model
    if isinstance(model, bytes):
        return _load(model)
    path = Path(model)
    status = path.stat() if path.is_file() else None  # a missing file is the predictor's to refuse
    return _load(str(path), status and (status.st_mtime_ns, status.st_size))


@lru_cache(MODELS)
def _load(model: str | bytes, version: object = None) -> Predictor:
    """The predictor of a file; ``version`` differs when the file has changed."""
    return Predictor(model)
