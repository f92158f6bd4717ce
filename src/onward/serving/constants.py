"""Constants of a model file: their values must be in the file, and their size is limited."""

import math
from dataclasses import dataclass

import numpy as np

from onward.serving.protobuf import fields, numbers

DIMS, DATA_TYPE, NAME, RAW_DATA, EXTERNAL_DATA, LOCATION = 1, 2, 8, 9, 13, 14
PLAIN_DATA = (5, 7)  # int32_data and int64_data
RAW_TYPES: dict[object, str] = {1: "<f4", 6: "<i4", 7: "<i8", 11: "<f8"}
"""The types that shapes may have."""
LONGEST_SHAPE = 64  # numbers; a longer constant is not a shape


@dataclass(frozen=True)
class Constant:
    """Shape and data of a tensor."""

    name: str
    size: float
    """The number of elements of a tensor of this shape; 0 if it is not a shape."""


def read_constant(tensor: memoryview) -> Constant:
    """Read a TensorProto.

    Raises:
        ValueError: if its values are in another file, or fewer than its shape says.
    """
    parts = fields(tensor)
    if parts[EXTERNAL_DATA] or any(part.value for part in parts[LOCATION]):
        raise ValueError("a constant is in another file (external data)")
    dims = [number for part in parts[DIMS] for number in numbers(part, LONGEST_SHAPE)]
    elements = math.prod(dims)
    if elements > 2 * len(tensor):  # two of the smallest types share a byte
        raise ValueError(f"a constant of the shape {dims} has {len(tensor)} bytes")
    name = parts[NAME][-1].text if parts[NAME] else ""
    if elements > LONGEST_SHAPE:
        return Constant(name, 0.0)
    plain = [n for kind in PLAIN_DATA for p in parts[kind] for n in numbers(p, LONGEST_SHAPE)]
    kinds = [part.value for part in parts[DATA_TYPE]]
    raw = [
        value
        for part in parts[RAW_DATA]
        for kind in kinds
        if kind in RAW_TYPES
        for value in _values(part.message, RAW_TYPES[kind])
    ]
    return Constant(name, math.prod(max(1.0, abs(float(value))) for value in [*plain, *raw]))


def _values(raw: memoryview, dtype: str) -> list[float]:
    whole = len(raw) // np.dtype(dtype).itemsize * np.dtype(dtype).itemsize
    values: list[float] = np.frombuffer(raw[:whole], dtype).tolist()
    return values
