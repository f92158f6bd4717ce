"""Code that uses the file, with the names of this table. It runs, unless the table is wide."""

from typing import Any

from onward.report.report_data import Evidence
from onward.schema import Field
from onward.wires import SCALARS, Wire, wire_of
from onward.wording import format_count

SHOWN = 10  # columns, where there are more than
READABLE = 12  # values in a row
MOST = 30  # of which a row takes too many lines to read


def predictor(evidence: Evidence) -> str:
    """With our package."""
    fields = evidence.schema.columns
    lines = [_entry(field, evidence.example[field.name]) for field in fields]
    return "\n".join(
        [
            "from onward import Predictor",
            "",
            'predict = Predictor("model.onnx")',
            "row = {",
            *_elided(lines),
            "}",
            "print(predict([row]))  # or a dict of columns, or any data frame",
        ]
    )


def onnxruntime(evidence: Evidence) -> str:
    """With nothing but onnxruntime and numpy."""
    fields = evidence.schema.columns
    lines = [_input(field, evidence.example[field.name]) for field in fields]
    outputs = evidence.task.outputs
    return "\n".join(
        [
            "import os",
            'os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # no reports to Microsoft',
            "import numpy as np",
            "import onnxruntime",
            "",
            'session = onnxruntime.InferenceSession("model.onnx")',
            "feed = {  # one array of shape (rows, ...) for each column",
            *_elided(lines),
            "}",
            f"{', '.join(outputs)} = session.run({list(outputs)!r}, feed)",
        ]
    )


def shell(evidence: Evidence) -> str:
    """On the command line."""
    model = f"artifacts/{evidence.config}/export/model.onnx"
    is_flat = all(field.wire in SCALARS for field in evidence.schema.columns)
    table = "rows.csv" if is_flat else "rows.parquet"
    return "\n".join(
        [
            f"onward predict {model} {table} -o predictions.csv",
            f"onward verify {model}    # replay the rows in the file",
            f"onward describe {model}  # what goes in, what comes out",
        ]
    )


def _entry(field: Field, value: Any) -> str:
    wire = wire_of(field.wire)
    if wire.size > READABLE:
        return f"    {field.name!r}: None,  # or {wire.words} as lists or an array"
    return f"    {field.name!r}: {_plain(value)!r},"


def _input(field: Field, value: Any) -> str:
    if field.wire not in SCALARS:
        return f"    {field.name!r}: {_array(wire_of(field.wire), value)},"
    if field.wire == "number":
        number = "np.nan" if value is None else repr(_plain(value))
        return f"    {field.name!r}: np.array([[{number}]], np.float64),"
    return f"    {field.name!r}: np.array([[{value or ''!r}]], object),"


def _array(wire: Wire, row: Any) -> str:
    """Code for an array with one row; rows of many values are zeros there."""
    dtype = f"np.{wire.element.name}"
    if row is not None and wire.size <= READABLE:
        return f"np.array({[_plain(row)]}, {dtype})"
    blank = "np.nan" if row is None and wire.element.dtype.kind == "f" else "0"
    return f"np.full({(1, *wire.shape)}, {blank}, {dtype})"


def _plain(value: Any) -> Any:
    """Without a decimal point that says nothing; a missing number in a row is None."""
    if isinstance(value, list):
        return [None if element != element else _plain(element) for element in value]
    whole = value == int(value) if isinstance(value, float) and abs(value) < 1e15 else False
    return int(value) if whole else value


def _elided(lines: list[str]) -> list[str]:
    if len(lines) <= MOST:
        return lines
    others = format_count(len(lines) - SHOWN, "more column")
    return [*lines[:SHOWN], f"    # ... and {others}, in the same way"]
