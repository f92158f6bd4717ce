"""The prediction of one request."""

from collections.abc import Mapping
from dataclasses import dataclass

from onward.serving.input_arrays import Array
from onward.serving.server.served_model import ServedModel


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds in the parts of a request."""

    parse: float
    """Bytes to Python values."""
    convert: float
    """Python values to arrays."""
    run: float
    """In onnxruntime; of a run that requests share, the part of these rows."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Inputs and outputs of one run of a model."""

    model: ServedModel
    feed: Mapping[str, Array]
    """An array for each column, ``(rows, 1)`` or of the shape of its wire."""
    outputs: Mapping[str, Array]
    """All of the model; first axis: rows."""
    rows: int
    timing: Timing
