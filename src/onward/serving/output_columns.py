"""Predictions as columns of a table."""

from collections.abc import Mapping, Sequence

import numpy as np

from onward.serving.input_arrays import Array


def probability_columns(classes: Sequence[str]) -> list[str]:
    """Names of the columns of ``probabilities``."""
    return [f"probability_{label}" for label in classes]


def output_columns(predictions: Mapping[str, Array], classes: Sequence[str]) -> dict[str, Array]:
    """One-dimensional arrays, one for each column of the predictions.

    Args:
        predictions: what `Predictor` returns.
        classes: of the target, in order; empty for numbers.

    Returns:
        ``label`` and a ``probability_<class>`` for each class; or ``value``, ``lower`` and
        ``upper``; other outputs with several numbers become ``<output>_<index>``.
    """
    columns: dict[str, Array] = {}
    for name, array in predictions.items():
        if array.ndim == 1:
            is_text = array.dtype.kind == "O"
            columns[name] = array if is_text else array.astype(np.float64, copy=False)
        elif name == "probabilities":
            columns |= dict(zip(probability_columns(classes), array.T, strict=True))
        else:
            columns |= {f"{name}_{index}": part for index, part in enumerate(array.T)}
    return columns
