"""Compare inputs and outputs of a model file with its notes."""

from typing import Any

from onward.schema import Schema
from onward.wires import ELEMENTS, wire_of

OUTPUTS = {
    "label": ELEMENTS["string"],
    "probabilities": ELEMENTS["float32"],
    "value": ELEMENTS["float64"],
    "lower": ELEMENTS["float64"],
    "upper": ELEMENTS["float64"],
}


def check_interface(session: Any, schema: Schema) -> None:
    """Compare the inputs and outputs of a session with the schema.

    Raises:
        ValueError: naming the first that differs.
    """
    inputs = {value.name: (value.type, value.shape[1:]) for value in session.get_inputs()}
    for column in schema.columns:
        wire, got = wire_of(column.wire), inputs.get(column.name)
        _compare(f"input {column.name!r}", got, wire.element.tensor, list(wire.shape))
    other = sorted(inputs.keys() - {column.name for column in schema.columns})
    if other:
        raise ValueError(f"it takes the input {other[0]!r}, which its schema does not have")
    outputs = {value.name: (value.type, value.shape) for value in session.get_outputs()}
    for name, (kind, shape) in outputs.items():
        if not shape or isinstance(shape[0], int):
            raise ValueError(f"its output {name!r} has the shape {shape}, not a value for each row")
        if name in OUTPUTS:
            widths = [len(schema.target.classes)] if name == "probabilities" else []
            _compare(f"output {name!r}", (kind, shape[1:]), OUTPUTS[name].tensor, widths)


def check_text_reader(session: Any) -> None:
    """Check that a graph gives one number per text.

    Raises:
        ValueError: if not.
    """
    inputs = [(value.name, value.type) for value in session.get_inputs()]
    outputs = [value.type for value in session.get_outputs()]
    text, number = (wire_of(name).element.tensor for name in ("text", "number"))
    if inputs != [("text", text)] or outputs != [number]:
        raise ValueError(f"its note 'text_readers' makes {outputs} of {inputs}")


def _compare(what: str, got: Any, kind: str, widths: list[int]) -> None:
    if got != (kind, widths):
        raise ValueError(f"its {what} is {got}, and by its schema {(kind, widths)}")
