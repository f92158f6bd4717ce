"""Tensors of the Open Inference Protocol, as JSON and as bytes."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from onward.serving.input_arrays import Array
from onward.serving.server.refusal import Refusal
from onward.serving.tabular_inputs import Values
from onward.wording import format_count

NUMBERS = {
    "BOOL": "?",
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}
"""Types of numpy, little-endian, by the protocol's names."""
DATATYPES = {"BYTES", *NUMBERS}
LENGTH = 4  # bytes before each text, which say how many follow


class InputTensor(msgspec.Struct, gc=False):
    """A column of a request; its values are ``data``, or bytes behind the JSON."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | UnsetType = UNSET
    parameters: dict[str, Any] | None = None


def plain_values(tensor: InputTensor, rows: int, shapes: Sequence[list[int]]) -> list[Any] | None:
    """The values of ``data`` if they are those of one of the shapes as they are, else None.

    Nearly all tensors are, and the general way to read one costs as much as a tenth of a prediction
    if a row has thirty.
    """
    data = tensor.data
    is_plain = (
        type(data) is list
        and len(data) == rows > 0
        and type(data[0]) is not list
        and tensor.parameters is None
        and tensor.datatype in DATATYPES
        and tensor.shape in shapes
    )
    return data if is_plain else None  # type: ignore[return-value]  # a list


def json_values(tensor: InputTensor) -> list[Any]:
    """The values of ``data``, flat or in lists as deep as the shape has axes.

    Raises:
        Refusal: 400, if there are none or the datatype is unknown.
    """
    data = tensor.data
    if tensor.datatype not in DATATYPES:
        raise Refusal(400, f"input {tensor.name!r}: unknown datatype {tensor.datatype[:20]!r}")
    if data is UNSET:
        raise Refusal(400, f"input {tensor.name!r} has no data")
    for _ in range(max(1, len(tensor.shape) - 1)):
        if data and type(data[0]) is list:
            data = [value for row in data for value in (row if type(row) is list else [row])]
    return data


def as_rows(tensor: InputTensor, values: Values) -> Array:
    """Flat values as an array of the tensor's shape.

    Raises:
        Refusal: 400, if some values are lists.
    """
    try:
        array = np.asarray(values)
        if array.dtype.kind == "U":  # numbers beside texts must not become texts
            array = np.array(values, object)
        return array.reshape(tensor.shape)
    except ValueError as error:
        raise Refusal(400, f"input {tensor.name!r}: its lists differ in depth") from error


def binary_values(tensor: InputTensor, data: memoryview, count: int) -> Values:
    """The values in the bytes of one tensor.

    Raises:
        Refusal: 400, if their number or type does not fit.
    """
    if tensor.datatype == "BYTES":
        texts = list(_texts(tensor.name, data))
        if len(texts) != count:
            raise Refusal(
                400,
                f"input {tensor.name!r} has {format_count(len(texts), 'text')} for"
                f" {format_count(count, 'value')}",
            )
        return texts
    dtype = NUMBERS.get(tensor.datatype)
    if dtype is None:
        raise Refusal(400, f"input {tensor.name!r}: unknown datatype {tensor.datatype[:20]!r}")
    if len(data) != count * np.dtype(dtype).itemsize:
        raise Refusal(
            400,
            f"input {tensor.name!r}: {len(data)} bytes are not {count} values of {tensor.datatype}",
        )
    return np.frombuffer(data, dtype)


def binary_tensor(array: Array) -> bytes:
    """An output as bytes."""
    if array.dtype != object:
        return array.tobytes()
    texts = [str(text).encode() for text in array.ravel()]
    return b"".join(len(text).to_bytes(LENGTH, "little") + text for text in texts)


def _texts(name: str, data: memoryview) -> Iterator[str]:
    start = 0
    while start < len(data):
        first = start + LENGTH
        end = first + int.from_bytes(data[start:first], "little")
        if max(first, end) > len(data):
            raise Refusal(400, f"input {name!r}: its bytes end inside a text")
        try:
            yield str(data[first:end], "utf-8")
        except UnicodeDecodeError as error:
            raise Refusal(400, f"input {name!r}: a text is not UTF-8") from error
        start = end
