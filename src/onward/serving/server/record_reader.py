"""JSON objects as rows of a model."""

from contextlib import suppress
from operator import attrgetter
from typing import Any

import msgspec

from onward.serving.predictor import Predictor
from onward.serving.server.refusal import Refusal

_decode_any = msgspec.json.Decoder(list[dict[str, Any]]).decode


class RecordReader:
    """Reads the objects of one model.

    The decoder is created from the schema once and knows the column names, so values need no lookup
    in a dict.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        fields = {f"c{index}": field for index, field in enumerate(predictor.schema.columns)}
        self._columns = [(field.name, attrgetter(key)) for key, field in fields.items()]
        keys = [(key, Any, msgspec.field(name=field.name)) for key, field in fields.items()]
        row = msgspec.defstruct("Row", keys, gc=False)
        self._decode = msgspec.json.Decoder(list[row]).decode  # type: ignore[valid-type]

    def rows(self, body: bytes) -> list[Any]:
        """The objects of a request.

        Raises:
            Refusal: 400, if it is not a list of objects in JSON.
            DataError: naming the column, if one is missing.
        """
        try:
            return self._decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            self._refuse_names(body)
            raise Refusal(400, _problem(body, error)) from error

    def columns(self, rows: list[Any]) -> dict[str, list[Any]]:
        """The values of each column."""
        return {name: list(map(value, rows)) for name, value in self._columns}

    def _refuse_names(self, body: bytes) -> None:
        """Raise the error of `Predictor` for a missing column."""
        with suppress(msgspec.DecodeError, RecursionError):
            for row in _decode_any(body):
                self._predictor.check_names(row)


def _problem(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "the body is empty. Send a list of objects, one for each row: [{...}]"
    problem = f"not a list of objects, one for each row: {error}"
    is_object = isinstance(error, msgspec.ValidationError) and body.lstrip().startswith(b"{")
    return f"{problem}. Put the object in a list: [{{...}}]" if is_object else problem
