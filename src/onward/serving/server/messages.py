"""Requests and responses, apart from HTTP."""

from collections.abc import Mapping

import msgspec

from onward.serving.server.prediction import Prediction
from onward.serving.server.refusal import Headers

JSON = "application/json"
_encode = msgspec.json.Encoder().encode


class Request(msgspec.Struct, frozen=True):
    """A request whose body has arrived."""

    headers: Mapping[bytes, bytes]
    id: str
    """That of the header, or one of ours."""
    names: Mapping[str, str]
    """Parts of the path: ``name`` and ``version`` of the model."""
    body: bytes = b""


class Response(msgspec.Struct, frozen=True):
    """The response to a request."""

    body: bytes
    status: int = 200
    type: str = JSON
    headers: Headers = ()
    prediction: Prediction | None = None
    """What was predicted, for logs and metrics."""
    id: str = ""
    """Of the request, if its body has one that counts."""


def json_response(document: object) -> Response:
    """The document as JSON."""
    return Response(_encode(document))


def error_response(status: int, message: str, headers: Headers = ()) -> Response:
    """An error as in the Open Inference Protocol: a text only."""
    return Response(_encode({"error": message}), status, headers=headers)
