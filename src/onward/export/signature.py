"""What a model takes and gives, for programs that cannot read its notes, and for viewers of graphs.

JavaScript runtimes do not show `metadata_props`; Netron and MLflow show `doc_string`.
"""

from collections.abc import Mapping
from typing import Any

from onnx import ModelProto

from onward.schema import Field, Schema
from onward.serving.column_settings import ISO, date_format_of, units_of
from onward.wires import ELEMENTS, SCALARS, wire_of
from onward.wording import format_count

ABSENT = {"f": "NaN is a missing value", "O": "an empty text is a missing value"}
"""By the kind of the array."""
TENSORS = {element.onnx: element.name for element in ELEMENTS.values()}


def signature(
    model: ModelProto, schema: Schema, notes: Mapping[str, Any], identity: str
) -> dict[str, Any]:
    """The document beside the file.

    Args:
        model: joined.
        schema: of the model.
        notes: those of the file.
        identity: of the file, the first 12 digits of the sha256 of its content.
    """
    replay, reference = notes["replay"], notes["reference"]["columns"]
    classes = list(schema.target.classes)
    prediction = {name: values[0] for name, values in replay["predictions"].items()}
    if classes and "probabilities" in prediction:
        prediction["probabilities"] = dict(zip(classes, prediction["probabilities"], strict=True))
    return {
        "id": identity,
        "target": {"name": schema.target.name, "kind": schema.target.kind, "classes": classes},
        "inputs": [_input(field, reference.get(field.name, {})) for field in schema.columns],
        "outputs": [_output(value) for value in model.graph.output],
        "example": {
            "row": {name: values[0] for name, values in replay["rows"].items()},
            "prediction": prediction,
        },
    }


def document(model: ModelProto, schema: Schema, task: str) -> None:
    """Write into the graph what it is, where viewers show it."""
    target = schema.target
    what = f"one of {', '.join(target.classes[:20])}" if target.classes else "a number"
    model.graph.doc_string = (
        f"Predicts {target.name!r}, {what} ({task}), from"
        f" {format_count(len(schema.columns), 'column')} of a raw table. {_shapes(schema)} Made"
        " by onward."
    )
    fields = {field.name: field for field in schema.columns}
    for value in model.graph.input:
        value.doc_string = _words(fields[value.name])


def _shapes(schema: Schema) -> str:
    if all(field.wire in SCALARS for field in schema.columns):
        return "Each input is a column of the shape (rows, 1)."
    return "Each input is a column; its first axis is that of the rows."


def _words(field: Field) -> str:
    names = ", ".join(unit or "none" for unit in units_of(field))
    units = f", with a unit of {names}" if names else ""
    date_format = date_format_of(field)
    dates = "" if date_format == ISO else f" of the format {date_format}"
    absent = ABSENT.get(wire_of(field.wire).element.dtype.kind, "zeros are a missing value")
    return f"{field.type}{units}{dates}; {absent}"


def _input(field: Field, known: Mapping[str, Any]) -> dict[str, Any]:
    wire = wire_of(field.wire)
    entry: dict[str, Any] = {
        "name": field.name,
        "type": field.type,
        "tensor": wire.element.name,
        "shape": ["rows", *wire.shape],
        "missing": list(field.missing),
    }
    if units := list(units_of(field)):
        entry["units"] = units
    if field.type == "datetime":
        entry["format"] = date_format_of(field)
    if known.get("values"):
        # not all categories, where they are many: a form must let others through
        entry["categories"] = known["values"]
        entry["is_complete"] = known.get("other", 0.0) < 1e-9  # shares are rounded
    entry |= {
        end: known[key] for end, key in (("minimum", "min"), ("maximum", "max")) if key in known
    }
    return entry


def _output(value: Any) -> dict[str, Any]:
    kind = value.type.tensor_type
    shape = [dim.dim_param or dim.dim_value for dim in kind.shape.dim]
    return {"name": value.name, "tensor": TENSORS[kind.elem_type], "shape": shape}
