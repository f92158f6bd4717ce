"""JSON Schema of the values of a column."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from onward.schema import Field
from onward.serving.column_settings import units_of
from onward.serving.server.served_model import ServedModel
from onward.serving.training_range import TrainingRange
from onward.wires import Wire, wire_of

NUMBER = r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?(e[+-]?[0-9]{1,2})?"  # as text, the usual ones
TEXT = r"^[^\u0000]*$"
SHOWN = 20  # categories in a description
READABLE = 64  # values in a row of an example


def column_schema(model: ServedModel, field: Field) -> dict[str, Any]:
    """The schema of one value, or of one row of several values.

    Unseen categories and numbers out of range are not errors, so ranges are in the description
    only.
    """
    schema: dict[str, Any] = {"title": field.name, "description": _description(model, field)}
    if wire := model.vectors.get(field.name):
        return schema | {"anyOf": [{"type": "null"}, row_schema(wire)]}
    types = ["string", "null"]
    if field.type == "boolean":
        types.append("boolean")
    if "" in units_of(field):
        types += ["number", "boolean"]
    if field.wire == "text":
        return schema | {"type": types, "pattern": TEXT}
    if field.type == "boolean":
        return schema | {"enum": [True, False, 0, 1, None, "", "true", "false", "0", "1"]}
    number = {"type": "string", "pattern": f"^{NUMBER}$"}
    texts = {"enum": ["", *field.missing]}
    return schema | {"anyOf": [{"type": ["number", "boolean", "null"]}, texts, number]}


def example_row(model: ServedModel) -> dict[str, Any]:
    """The first sample row of the file, or a row of missing values.

    Rows of very many values are missing: nobody reads them.
    """
    rows = model.predictor.metadata.get("replay", {}).get("rows", {})
    return {
        name: _plain(rows[name][0])
        if rows.get(name) and wire_of(field.wire).size <= READABLE
        else None
        for name, field in model.fields.items()
    }


def row_schema(wire: Wire) -> dict[str, Any]:
    """The schema of a row of several values that is not missing."""
    if wire.element.dtype.kind == "f":
        largest = float(np.finfo(wire.element.dtype).max)
        number = {"type": ["number", "null"], "minimum": -largest, "maximum": largest}
        return nested_schema(number, wire.shape)
    ends = np.iinfo(wire.element.dtype)
    number = {"type": "integer", "minimum": int(ends.min), "maximum": int(ends.max)}
    return nested_schema(number, wire.shape)


def nested_schema(element: dict[str, Any], lengths: Sequence[int]) -> dict[str, Any]:
    """The schema of lists in lists, of these lengths, the outermost first."""
    for length in reversed(lengths):
        element = {"type": "array", "items": element, "minItems": length, "maxItems": length}
    return element


def _plain(value: Any) -> Any:
    """Format a number without a needless decimal point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _description(model: ServedModel, field: Field) -> str:
    if wire := model.vectors.get(field.name):
        return f"{field.type}. {wire.words.capitalize()}. null if it is missing."
    known = TrainingRange.read(field, model.predictor.metadata)
    if known.categories is not None:
        names = sorted(known.categories - {"", *field.missing})
        listed = ", ".join(map(repr, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
        return f"{field.type}. Categories of the training rows: {listed}."
    if known.low is not None:
        unit = f" {known.unit}" if known.unit else ""
        return f"{field.type}. Training rows: from {known.low:g} to {known.high:g}{unit}."
    return f"{field.type}. null if it is missing."
