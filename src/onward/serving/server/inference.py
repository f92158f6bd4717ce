"""`infer` of the Open Inference Protocol: tensors in, tensors out.

Source: KServe, "Open Inference Protocol", version 2 over REST, with the extension
``binary_tensor_data``.
"""

import math
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import msgspec

from onward.serving.server.batches import Pending
from onward.serving.server.messages import Request, Response
from onward.serving.server.prediction import Prediction
from onward.serving.server.refusal import Refusal
from onward.serving.server.request_ids import header_id, safe_id
from onward.serving.server.served_model import ServedModel
from onward.serving.server.tensors import (
    InputTensor,
    as_rows,
    binary_tensor,
    binary_values,
    json_values,
    plain_values,
)
from onward.serving.tabular_inputs import Values
from onward.wires import wire_of
from onward.wording import format_count

HEADER_LENGTH = b"inference-header-content-length"
Choose = Callable[[str], ServedModel]
"""The model for a request of this id."""


class RequestedOutput(msgspec.Struct, gc=False):
    """A requested output."""

    name: str
    parameters: dict[str, Any] | None = None


class InferenceRequest(msgspec.Struct, gc=False):
    """The JSON of a request. Unknown keys are ignored."""

    inputs: list[InputTensor]
    id: str = ""
    parameters: dict[str, Any] | None = None
    outputs: list[RequestedOutput] | None = None


_decode = msgspec.json.Decoder(InferenceRequest).decode
_encode = msgspec.json.Encoder().encode


def infer(request: Request, choose: Choose, max_rows: int) -> Pending:
    """Read the rows of a request.

    Raises:
        Refusal: 400 if the request violates the protocol, 413 if it has too many rows.
        DataError: naming the column, if one is missing.
    """
    start = perf_counter()
    size = _json_size(request)
    document = _document(request.body, size)
    request_id = header_id(request.headers) or safe_id(document.id) or request.id
    model = choose(request_id)
    parsed = perf_counter()
    rows = _rows(document.inputs[0], max_rows)
    columns = _columns(model, document.inputs, memoryview(request.body)[size:], rows)
    names = _output_names(model, document.outputs)

    def respond(prediction: Prediction) -> Response:
        return _response(document, names, prediction, request_id)

    return Pending(model, columns, rows, parsed - start, perf_counter() - parsed, respond)


def _json_size(request: Request) -> int:
    """The number of bytes of JSON, before the binary tensors."""
    given = request.headers.get(HEADER_LENGTH)
    if given is None:
        return len(request.body)
    if not given.isdigit() or int(given[:20]) > len(request.body):
        raise Refusal(400, "Inference-Header-Content-Length is not a number within the body")
    return int(given)


def _document(body: bytes, size: int) -> InferenceRequest:
    try:
        document = _decode(body if size == len(body) else memoryview(body)[:size])
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal(400, f"not an inference request: {error}") from error
    if not document.inputs:
        raise Refusal(400, "the request has no inputs")
    return document


def _columns(
    model: ServedModel, inputs: Sequence[InputTensor], tail: memoryview, rows: int
) -> dict[str, Values]:
    """The values of each column, those of the model and others."""
    shapes = [rows, 1], [rows]
    columns: dict[str, Values] = {}
    for tensor in inputs:
        values = plain_values(tensor, rows, shapes)
        if values is not None and tensor.name not in model.vectors:
            columns[tensor.name] = values
        elif tensor.shape in shapes and tensor.name not in model.vectors:
            columns[tensor.name], tail = _values(tensor, tail, rows, rows)
        else:
            columns[tensor.name], tail = _arrays(model, tensor, tail, rows)
    if tail:
        raise Refusal(400, f"{len(tail)} bytes after the last tensor")
    if len(columns) != len(inputs):
        raise Refusal(400, f"input {_repeated(inputs)!r} occurs more than once")
    if not model.fields.keys() <= columns.keys():
        model.predictor.check_names(columns)
    return columns


def _arrays(
    model: ServedModel, tensor: InputTensor, tail: memoryview, rows: int
) -> tuple[Values, memoryview]:
    """The rows of a tensor with several values in a row, and the remaining bytes."""
    field = model.fields.get(tensor.name)  # others are ignored, whatever their shape
    shape = tensor.shape[1:] if field is None else [*wire_of(field.wire).shape]
    if tensor.shape != [rows, *shape] or min(shape, default=0) < 1:
        raise _wrong_shape(tensor, [rows, *shape])
    values, tail = _values(tensor, tail, rows * math.prod(shape), rows)
    return as_rows(tensor, values), tail


def _values(
    tensor: InputTensor, tail: memoryview, count: int, rows: int
) -> tuple[Values, memoryview]:
    """So many values of a tensor, and the remaining bytes."""
    if not tensor.parameters or "binary_data_size" not in tensor.parameters:
        values = json_values(tensor)
        if len(values) != count:
            raise Refusal(
                400,
                f"input {tensor.name!r} has {format_count(len(values), 'value')} for"
                f" {format_count(rows, 'row')}",
            )
        return values, tail
    size = tensor.parameters["binary_data_size"]
    if tensor.data is not msgspec.UNSET:
        raise Refusal(400, f"input {tensor.name!r} has both data and binary_data_size")
    if type(size) is not int or not 0 <= size <= len(tail):
        raise Refusal(400, f"input {tensor.name!r}: binary_data_size goes beyond the body")
    return binary_values(tensor, tail[:size], count), tail[size:]


def _repeated(inputs: Sequence[InputTensor]) -> str:
    names = [tensor.name for tensor in inputs]
    return next(name for name in names if names.count(name) > 1)


def _rows(tensor: InputTensor, max_rows: int) -> int:
    rows = tensor.shape[0] if tensor.shape else -1
    if rows < 0:
        raise _wrong_shape(tensor, [1, 1])
    if rows > max_rows:
        raise Refusal(
            413, f"{rows} rows, and at most {max_rows} are allowed. Send several requests"
        )
    return rows


def _wrong_shape(tensor: InputTensor, wanted: list[int]) -> Refusal:
    return Refusal(
        400,
        f"input {tensor.name!r} has the shape {tensor.shape[:5]}; expected {wanted[:5]}, the same"
        " rows as the first input",
    )


def _output_names(model: ServedModel, requested: Sequence[RequestedOutput] | None) -> list[str]:
    if not requested:
        return model.output_names
    names = [output.name for output in requested]
    for name in names:
        if name not in model.datatypes:
            known = ", ".join(model.datatypes)
            raise Refusal(400, f"no output {name!r}. There are: {known}")
    return names


def _binary_names(model: ServedModel, document: InferenceRequest) -> set[str]:
    """Outputs requested as binary, by their own parameter or that of the request."""
    default = (document.parameters or {}).get("binary_data_output") is True
    if not document.outputs:
        return set(model.output_names) if default else set()
    return {
        output.name
        for output in document.outputs
        if (output.parameters or {}).get("binary_data", default) is True
    }


def _response(
    document: InferenceRequest, names: Sequence[str], prediction: Prediction, request_id: str
) -> Response:
    model, arrays = prediction.model, prediction.outputs
    binary = _binary_names(model, document)
    outputs: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for name in dict.fromkeys(names):
        array = arrays[name]
        output = {"name": name, "datatype": model.datatypes[name], "shape": array.shape}
        if name in binary:
            tail.append(binary_tensor(array))
            output["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            output["data"] = array.ravel().tolist()
        outputs.append(output)
    answer = {"model_name": model.name, "model_version": model.version, "outputs": outputs}
    if document.id:
        answer["id"] = document.id
    body = _encode(answer)
    if not tail:
        return Response(body, prediction=prediction, id=request_id)
    return Response(
        b"".join([body, *tail]),
        type="application/octet-stream",
        headers=(("inference-header-content-length", str(len(body))),),
        prediction=prediction,
        id=request_id,
    )
