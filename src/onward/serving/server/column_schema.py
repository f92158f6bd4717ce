"""JSON Schema of the values of a column."""

from typing import Any

from onward.schema import Field
from onward.serving.column_settings import units_of
from onward.serving.server.served_model import ServedModel
from onward.serving.server.training_range import TrainingRange

NUMBER = r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?(e[+-]?[0-9]{1,2})?"  # as text, the usual ones
SHOWN = 20  # categories in a description


def column_schema(model: ServedModel, field: Field) -> dict[str, Any]:
    """The schema of one value.

    Unseen categories and numbers out of range are not errors, so ranges are in the description
    only.
    """
    schema: dict[str, Any] = {"title": field.name, "description": _description(model, field)}
    types = ["string", "null"]
    if field.type == "boolean":
        types.append("boolean")
    if "" in units_of(field):
        types += ["number", "boolean"]
    if field.wire == "text":
        return schema | {"type": types}
    if field.type == "boolean":
        return schema | {"enum": [True, False, 0, 1, None, "", "true", "false", "0", "1"]}
    number = {"type": "string", "pattern": f"^{NUMBER}$"}
    texts = {"enum": ["", *field.missing]}
    return schema | {"anyOf": [{"type": ["number", "boolean", "null"]}, texts, number]}


def example_row(model: ServedModel) -> dict[str, Any]:
    """The first sample row of the file, or a row of missing values."""
    rows = model.predictor.metadata.get("replay", {}).get("rows", {})
    return {name: _plain(rows[name][0]) if rows.get(name) else None for name in model.fields}


def _plain(value: Any) -> Any:
    """Format a number without a needless decimal point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _description(model: ServedModel, field: Field) -> str:
    known = TrainingRange.read(field, model.predictor.metadata.get("reference", {}))
    if known.categories is not None:
        names = sorted(known.categories - {"", *field.missing})
        listed = ", ".join(map(repr, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
        return f"{field.type}. Categories of the training rows: {listed}."
    if known.low is not None:
        return f"{field.type}. Training rows: from {known.low:g} to {known.high:g}."
    return f"{field.type}. null if it is missing."
