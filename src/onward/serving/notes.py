"""The metadata of a model file, validated."""

import json
import re
from typing import Any

from onward.errors import ConfigError
from onward.schema import Field, Schema
from onward.serving.column_settings import units_of
from onward.wires import wire_of

DEEPEST = 20  # brackets inside each other
TEXT_IN_JSON = re.compile(r'"(?:[^"\\]|\\.)*"')
NUMBER, ANY = (int, float), object

Form = Any
"""A type or several, ``[form]`` for a list, ``{str: form}`` for any names, ``{name: form}`` for
these and whatever else there is; a name that ends with ``?`` may be missing."""

_SETTINGS: Form = {"decimal?": str, "thousands?": str, "format?": str}
_COLUMN: Form = {
    "name": str,
    "type": str,
    "wire": str,
    "missing": [str],
    "settings?": {**_SETTINGS, "units?": {str: NUMBER}},
    # in the first format
    **_SETTINGS,
    "units?": [[(str, *NUMBER)]],
}
_SPREAD: Form = {
    "missing?": NUMBER,
    "shares?": [NUMBER],
    "other?": NUMBER,
    "edges?": [(str, *NUMBER)],
    "values?": [(str, *NUMBER)],
    "min?": (str, *NUMBER),
    "max?": (str, *NUMBER),
}
_WATCHED: Form = {
    "edges?": [NUMBER],
    "unit?": str,
    "values?": [str],
    "counts": [NUMBER],
    "spread": NUMBER,
    "importance?": NUMBER,
    "unseen?": [NUMBER],
    "rates?": [NUMBER],
}
_MONITOR: Form = {
    "rows": {str: NUMBER},
    "columns": {str: _WATCHED},
    "outputs": {str: _WATCHED},
    "quality": {str: {"mean": NUMBER, "sd": NUMBER, "rows": NUMBER}},
    "metrics": {str: {"value": (*NUMBER, type(None)), "error": (*NUMBER, type(None))}},
    "correction?": {
        name: [NUMBER]
        for name in ("edges", "rows", "mean", "variance", "center", "slope", "spread")
    },
}
_HELD_OUT: Form = {"before": NUMBER, "after": NUMBER}
FORMS: dict[str, Form] = {
    "schema": {
        "columns": [_COLUMN],
        "target": {"name": str, "kind": str, "classes": [str]},
    },
    "replay": {"rows": {str: [ANY]}, "predictions": {str: [ANY]}},
    "metrics": {str: ANY},
    "decision": {
        "metric": str,
        "gains": [[NUMBER]],
        "threshold": (*NUMBER, type(None)),
        "validation": _HELD_OUT,
        "test": _HELD_OUT,
    },
    "versions": {str: str},
    "hashes": {str: str},
    "intervals": {"coverage": NUMBER},
    "reference": {"columns?": {str: _SPREAD}, "predictions?": {str: _SPREAD}},
    "monitor": _MONITOR,
    "privacy": {"replay": str, "hide": [str]},
    "derived": [{"name": str, "made": str}],
    "text_readers": [{"columns": [str], "graph": str}],
    "codes": {"tensor": str, "columns": [str], "rare?": [str]},
    "training_rows": {
        "rows": int,
        "every": int,
        "bits": int,
        "filter": str,
        "test": {"rows": int, "known": int},
    },
}


def read_notes(notes: dict[str, str]) -> dict[str, Any]:
    """The notes, with JSON parsed.

    Raises:
        ValueError: naming the malformed note.
    """
    return notes | {name: _read(name, notes[name]) for name in FORMS if name in notes}


def read_schema(text: str) -> Schema:
    """The schema of a file.

    Raises:
        ValueError: if it is malformed.
    """
    _read("schema", text)
    try:
        schema = Schema.load(text)
    except (TypeError, KeyError) as error:
        raise ValueError(f"its note 'schema' is not valid: {error}") from error
    for column in schema.columns:
        _refuse_unknown_wire(column)
    names = [column.name for column in schema.columns]
    if not names or len({*names, schema.target.name}) <= len(names):
        raise ValueError("its note 'schema' has no columns, or a name twice")
    units = [unit for column in schema.columns for unit in units_of(column).items()]
    if not all(isinstance(name, str) and not isinstance(factor, str) for name, factor in units):
        raise ValueError("its note 'schema' has units that are not a name and a number")
    if len({*schema.target.classes}) < len(schema.target.classes):
        raise ValueError("its note 'schema' has a class twice")
    if bool(schema.target.classes) != (schema.target.kind == "classes"):
        raise ValueError("its note 'schema' has a target whose classes do not fit its kind")
    return schema


def _refuse_unknown_wire(column: Field) -> None:
    try:
        wire_of(column.wire)
    except ConfigError as error:
        raise ValueError(f"its column {column.name!r} has the {error}") from error


def _read(name: str, text: str) -> Any:
    depth = 0
    for mark in re.findall(r"[\[\]{}]", TEXT_IN_JSON.sub("", text)):
        depth += 1 if mark in "[{" else -1
        if depth > DEEPEST:
            raise ValueError(f"its note {name!r} has more than {DEEPEST} brackets in each other")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ValueError(f"its note {name!r} is not JSON: {error}") from error
    _check(f"its note {name!r}", document, FORMS[name])
    return document


def _check(where: str, value: Any, form: Form) -> None:
    if isinstance(form, list):
        _refuse_unless(isinstance(value, list), where, "a list")
        if form != [ANY]:
            for entry in value:
                _check(where, entry, form[0])
    elif isinstance(form, dict):
        _refuse_unless(isinstance(value, dict), where, "an object")
        for name, entry in _entries(where, value, form):
            _check(f"{where}, {name!r}", value[name], entry)
    else:
        _refuse_unless(isinstance(value, form), where, "another type")


def _entries(where: str, value: dict[str, Any], form: dict[Any, Form]) -> list[tuple[str, Form]]:
    if str in form:
        return [(name, form[str]) for name in value]
    lacking = [name for name in form if not name.endswith("?") and name not in value]
    _refuse_unless(not lacking, where, f"an entry {lacking[:1]}")
    named = [(name.removesuffix("?"), entry) for name, entry in form.items()]
    return [(name, entry) for name, entry in named if name in value]


def _refuse_unless(condition: bool, where: str, wanted: str) -> None:
    if not condition:
        raise ValueError(f"{where}, is malformed: {wanted} is expected")
