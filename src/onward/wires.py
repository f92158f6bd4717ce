"""Wires: how the values of a column travel to a model. Needs numpy at most.

``number`` and ``text`` have one value in a row. Other wires are named by the type and the shape of
a row: ``float64[3]`` for three numbers, ``uint8[28,28,1]`` for pixels. So nothing has to be
registered, two columns of a type may differ in shape, and a model file names its wires in full.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from onward.errors import ConfigError

ScalarWire = Literal["number", "text"]
"""float64 with NaN for missing, or a string with "" for missing, one in a row."""
LARGEST = 2**24  # elements of a row; 16 MB of pixels, and a file cannot ask for more
SHAPED = re.compile(r"([a-z]+[0-9]*)\[([1-9][0-9]{0,7}(?:,[1-9][0-9]{0,7}){0,3})\]")


@dataclass(frozen=True)
class Element:
    """The type of the elements of a tensor."""

    name: str
    onnx: int
    """Its number in `TensorProto`."""
    tensor: str
    """The tensor as onnxruntime names it."""
    dtype: np.dtype[Any]
    """Of the array that onnxruntime takes."""
    missing: Any
    """All elements of a missing row."""
    datatype: str
    """The name in the Open Inference Protocol."""


ELEMENTS = {
    element.name: element
    for element in (
        Element("float32", 1, "tensor(float)", np.dtype(np.float32), np.nan, "FP32"),
        Element("uint8", 2, "tensor(uint8)", np.dtype(np.uint8), 0, "UINT8"),
        Element("int64", 7, "tensor(int64)", np.dtype(np.int64), 0, "INT64"),
        Element("string", 8, "tensor(string)", np.dtype(object), "", "BYTES"),
        Element("float64", 11, "tensor(double)", np.dtype(np.float64), np.nan, "FP64"),
    )
}
BOOL = Element("bool", 9, "tensor(bool)", np.dtype(np.bool_), False, "BOOL")
"""Of outputs only."""
TENSORS = {element.tensor: element for element in (*ELEMENTS.values(), BOOL)}
"""By the names that onnxruntime gives to inputs and outputs."""


@dataclass(frozen=True)
class Wire:
    """The tensor of a column: ``(rows, *shape)``."""

    element: Element
    shape: tuple[int, ...]
    """Of a row."""

    @property
    def size(self) -> int:
        """Elements of a row."""
        return math.prod(self.shape)

    @property
    def words(self) -> str:
        """A row in words: ``3 numbers``, ``28 x 28 x 1 whole numbers``."""
        whole = "" if self.element.dtype.kind == "f" else "whole "
        plural = "" if self.size == 1 else "s"
        return f"{' x '.join(map(str, self.shape))} {whole}number{plural}"

    def is_missing(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Which rows are missing, ``(rows,)``: those without any other element."""
        blank = self.element.missing
        elements = np.isnan(rows) if self.element.dtype.kind == "f" else rows == blank
        return np.asarray(elements.all(axis=tuple(range(1, rows.ndim))))

    def missing(self, rows: int) -> np.ndarray[Any, Any]:
        """An array of missing rows."""
        return np.full((rows, *self.shape), self.element.missing, self.element.dtype)


SCALARS = {"number": Wire(ELEMENTS["float64"], (1,)), "text": Wire(ELEMENTS["string"], (1,))}
"""Of one value in a row."""
NUMBERS = [name for name in ELEMENTS if name != "string"]


@lru_cache(maxsize=1024)
def wire_of(name: str) -> Wire:
    """The wire of that name.

    Raises:
        ConfigError: if there is none.

    Example:
        >>> wire_of("uint8[28,28,1]").shape
        (28, 28, 1)
    """
    if name in SCALARS:
        return SCALARS[name]
    match = SHAPED.fullmatch(name)
    if match is None or match[1] not in NUMBERS:
        raise ConfigError(
            f"wire {name!r}: no such wire. Use 'number', 'text', or the type and the shape of a row"
            f" such as 'float64[3]'; types are {', '.join(NUMBERS)}"
        )
    shape = tuple(map(int, match[2].split(",")))
    if math.prod(shape) > LARGEST:
        raise ConfigError(
            f"wire {name!r}: a row has {math.prod(shape):,} elements. Use at most {LARGEST:,}"
        )
    return Wire(ELEMENTS[match[1]], shape)
