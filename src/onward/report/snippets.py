"""Code that uses the file, with the names of this table. It runs, unless the table is wide."""

from typing import Any

from onward.report.report_data import Evidence
from onward.schema import Field

SHOWN = 10  # columns, where there are more than
MOST = 30  # of which a row takes too many lines to read


def predictor(evidence: Evidence) -> str:
    """With our package."""
    row = {field.name: _plain(evidence.example[field.name]) for field in evidence.schema.columns}
    lines = [f"    {name!r}: {value!r}," for name, value in row.items()]
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
            "import numpy as np",
            "import onnxruntime",
            "",
            'session = onnxruntime.InferenceSession("model.onnx")',
            "feed = {  # one array of shape (rows, 1) for each column",
            *_elided(lines),
            "}",
            f"{', '.join(outputs)} = session.run({list(outputs)!r}, feed)",
        ]
    )


def shell(evidence: Evidence) -> str:
    """On the command line."""
    model = f"artifacts/{evidence.config}/export/model.onnx"
    return "\n".join(
        [
            f"onward predict {model} rows.csv -o predictions.csv",
            f"onward verify {model}    # replay the rows in the file",
            f"onward describe {model}  # what goes in, what comes out",
        ]
    )


def _input(field: Field, value: Any) -> str:
    if field.wire == "number":
        number = "np.nan" if value is None else repr(_plain(value))
        return f"    {field.name!r}: np.array([[{number}]], np.float64),"
    return f"    {field.name!r}: np.array([[{value or ''!r}]], object),"


def _plain(value: Any) -> Any:
    """Without a decimal point that says nothing."""
    whole = value == int(value) if isinstance(value, float) and abs(value) < 1e15 else False
    return int(value) if whole else value


def _elided(lines: list[str]) -> list[str]:
    if len(lines) <= MOST:
        return lines
    return [*lines[:SHOWN], f"    # ... and {len(lines) - SHOWN} more columns, in the same way"]
