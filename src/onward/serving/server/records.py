"""`POST /predict`: a list of objects in, a list of predictions out."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import msgspec

from onward.serving.input_arrays import Array
from onward.serving.server.batches import Pending
from onward.serving.server.messages import Request, Response
from onward.serving.server.prediction import Prediction
from onward.serving.server.refusal import Refusal
from onward.serving.server.served_model import ServedModel

_encode = msgspec.json.Encoder().encode


def predict(request: Request, model: ServedModel, max_rows: int) -> Pending:
    """Read the rows of a request.

    Raises:
        Refusal: 400 if it is not a list of objects, 413 if it is too long.
        DataError: naming the column, if one is missing.
    """
    start = perf_counter()
    rows = model.records.rows(request.body)
    if len(rows) > max_rows:
        raise Refusal(
            413, f"{len(rows)} rows, and at most {max_rows} are allowed. Send several requests"
        )
    parsed = perf_counter()
    columns = model.records.columns(rows)

    def respond(prediction: Prediction) -> Response:
        answer = {
            "model_name": model.name,
            "model_version": model.version,
            "predictions": prediction_objects(model, prediction.outputs),
        }
        return Response(_encode(answer), prediction=prediction)

    return Pending(model, columns, len(rows), parsed - start, perf_counter() - parsed, respond)


def prediction_objects(model: ServedModel, outputs: Mapping[str, Array]) -> list[dict[str, Any]]:
    """One object for each row; probabilities by the names of their classes."""
    columns = {name: array.tolist() for name, array in outputs.items()}
    classes = model.schema.target.classes
    if "probabilities" in columns:
        columns["probabilities"] = [
            dict(zip(classes, row, strict=True)) for row in columns["probabilities"]
        ]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
