"""Generate typed clients for the server of a model."""

import json
from collections.abc import Callable, Mapping

from onward.schema import Field, Schema
from onward.wires import SCALARS, wire_of

Axes = Mapping[str, int]
"""For each output of the model its axes beside that of the rows."""
PYTHON = '''"""A client for the model {name}. Made by `onward client`; needs nothing but Python."""

import json
from typing import Literal, TypedDict
from urllib.request import Request, urlopen

Row = TypedDict(
    "Row",
    {{
{columns}
    }},
)
"""What the model takes. None: missing."""

Prediction = TypedDict(
    "Prediction",
    {{
{outputs}
    }},
)


def predict(url: str, rows: list[Row], token: str = "", timeout_s: float = 10) -> list[Prediction]:
    """One prediction for each row. `url` is that of the server, such as http://localhost:8080.

    Raises:
        urllib.error.HTTPError: if the server refuses the rows; its body says why.
    """
    headers = {{"Content-Type": "application/json"}}
    if token:
        headers["Authorization"] = f"Bearer {{token}}"
    request = Request(f"{{url}}/models/{name}/predict", json.dumps(rows).encode(), headers)
    with urlopen(request, timeout=timeout_s) as response:
        predictions: list[Prediction] = json.load(response)["predictions"]
    return predictions
'''
TYPESCRIPT = """// A client for the model {name}, for browsers and Node. Made by `onward client`.

/** What the model takes. null: missing. */
export interface Row {{
{columns}
}}

export interface Prediction {{
{outputs}
}}

/** One prediction for each row. `url` is that of the server, such as http://localhost:8080. */
export async function predict(url: string, rows: Row[], token = ""): Promise<Prediction[]> {{
  const headers: Record<string, string> = {{ "Content-Type": "application/json" }};
  if (token) headers.Authorization = `Bearer ${{token}}`;
  const response = await fetch(`${{url}}/models/{name}/predict`, {{
    method: "POST",
    headers,
    body: JSON.stringify(rows),
  }});
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer.predictions;
}}
"""


def python_client(name: str, schema: Schema, axes: Axes) -> str:
    """A Python module."""
    columns = [f"        {_quoted(f.name)}: {_python(f)} | None," for f in schema.columns]
    classes = ", ".join(map(_quoted, schema.target.classes))
    known = {"label": f"Literal[{classes}]", "probabilities": f"dict[Literal[{classes}], float]"}
    outputs = [
        f"        {_quoted(output)}: {known.get(output, _lists(count))},"
        for output, count in axes.items()
    ]
    return PYTHON.format(name=name, columns="\n".join(columns), outputs="\n".join(outputs))


def typescript_client(name: str, schema: Schema, axes: Axes) -> str:
    """A TypeScript module."""
    columns = [f"  {_quoted(f.name)}: {_typescript(f)} | null;" for f in schema.columns]
    classes = " | ".join(map(_quoted, schema.target.classes))
    known = {"label": classes, "probabilities": f"Record<{classes}, number>"}
    outputs = [
        f"  {output}: {known.get(output, 'number' + '[]' * count)};"
        for output, count in axes.items()
    ]
    return TYPESCRIPT.format(name=name, columns="\n".join(columns), outputs="\n".join(outputs))


CLIENTS: dict[str, Callable[[str, Schema, Axes], str]] = {
    "python": python_client,
    "ts": typescript_client,
}
"""By language."""


def _python(field: Field) -> str:
    types = "str" if field.wire == "text" else _lists(_axes(field))
    return f"{types} | bool" if field.type == "boolean" else types


def _lists(axes: int) -> str:
    return "list[" * axes + "float" + "]" * axes


def _typescript(field: Field) -> str:
    types = "string" if field.wire == "text" else "number" + "[]" * _axes(field)
    return f"{types} | boolean" if field.type == "boolean" else types


def _axes(field: Field) -> int:
    """Of a value: 0 of a number or a text."""
    return 0 if field.wire in SCALARS else len(wire_of(field.wire).shape)


def _quoted(text: str) -> str:
    """A string literal in both languages; any name stays inside the quotes."""
    return json.dumps(text)
