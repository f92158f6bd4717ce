"""Predictions as columns of a table."""

from collections.abc import Mapping, Sequence

import numpy as np

from onward.serving.input_arrays import Array


def output_columns(predictions: Mapping[str, Array], classes: Sequence[str]) -> dict[str, Array]:
    """One array with one axis for each number or text that a row gets.

    Args:
        predictions: what `Predictor` returns.
        classes: of the target, in their order; empty for numbers.

    Returns:
        ``label`` and a ``probability_<class>`` for each class; or ``value``, ``lower`` and
        ``upper``; another output of several numbers has an ``<output>_<index>`` for each.
    """
    columns: dict[str, Array] = {}
    for name, array in predictions.items():
        if array.ndim == 1:
            is_text = array.dtype.kind == "O"
            columns[name] = array if is_text else array.astype(np.float64, copy=False)
        elif name == "probabilities":
            columns |= {
                f"probability_{label}": array[:, code] for code, label in enumerate(classes)
            }
        else:
            columns |= {f"{name}_{index}": part for index, part in enumerate(array.T)}
    return columns
