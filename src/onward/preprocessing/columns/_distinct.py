"""Process the distinct values of a column instead of all rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnxruntime
import polars as pl

from onward.preprocessing.feed import tensor

BATCH = 4096  # rows; what the operators pass on then fits into the cache


@dataclass(frozen=True)
class Distinct:
    """The distinct texts of a column."""

    texts: pl.Series
    """Without nulls: "" is missing."""
    codes: np.ndarray
    """The index of the text of each row, ``(rows,)``."""


def distinct(values: pl.Series) -> Distinct:
    """Find the distinct values of a String column."""
    filled = values.fill_null("")
    texts = filled.unique()
    codes = filled.cast(pl.Enum(texts)).to_physical().to_numpy()
    return Distinct(texts, codes)


def run_distinct(session: onnxruntime.InferenceSession, values: pl.Series) -> list[np.ndarray]:
    """All outputs of a graph with one text column, for each of many ``values``."""
    unique = distinct(values)
    return [outputs[unique.codes] for outputs in run(session, unique.texts)]


def run(session: onnxruntime.InferenceSession, texts: pl.Series) -> list[np.ndarray]:
    """All outputs of a graph with one text column, for each of ``texts``."""
    return run_batches(session, {session.get_inputs()[0].name: tensor(texts, "text")})


def run_batches(
    session: onnxruntime.InferenceSession, values: Mapping[str, np.ndarray]
) -> list[np.ndarray]:
    """All outputs of a graph, run a few rows at a time."""
    rows = len(next(iter(values.values())))
    runs = []
    for start in range(0, max(rows, 1), BATCH):
        batch = {name: array[start : start + BATCH] for name, array in values.items()}
        runs.append(session.run(None, batch))
    return [np.concatenate(parts) for parts in zip(*runs, strict=True)]
