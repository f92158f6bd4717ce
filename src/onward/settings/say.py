"""Messages about invalid settings, from errors of pydantic."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from onward.errors import suggestion
from onward.settings.family import Settings

SHOWN = 80  # letters of a wrong value in a message
WORDS = {
    "Input should be": "must be",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "text",
    "a valid boolean": "true or false",
    "a valid array": "a list",
    "a valid tuple": "a list",
    "a valid dictionary": "a mapping",
    "an object": "a mapping",
    "Tuple should have": "must have",
    "List should have": "must have",
    "Dictionary should have": "must have",
    "String should have": "must have",
    " after validation": "",
    "Value error, ": "",
    "Field required": "required, but missing",
}
"""Phrases of pydantic and their replacements."""


def problems(
    section: str, settings: type[Settings], given: Any, error: ValidationError
) -> list[str]:
    """One line per problem: where, what, and the value.

    Args:
        section: its name.
        settings: the class of its settings.
        given: its value.
        error: of pydantic.
    """
    by_place: dict[str, list[str]] = {}  # of alternatives each has its say
    values: dict[str, str] = {}
    for details in error.errors():
        setting = ".".join([section, *_steps(details, given)])
        words = _words(settings, details)
        by_place.setdefault(setting, []).append(words)
        values[setting] = _value(details)
    return [
        f"{setting}: {_join(dict.fromkeys(words))}{values[setting]}"
        for setting, words in by_place.items()
    ]


def _join(words: Iterable[str]) -> str:
    first, *others = words
    return " or ".join([first, *(text.removeprefix("must be ") for text in others)])


def _steps(details: ErrorDetails, given: Any) -> Iterator[str]:
    """The steps of a location that are in the file; pydantic also names its branches."""
    *path, last = details["loc"] or ("",)
    here = given
    for step in path:
        if _has(here, step):
            yield str(step)
            here = here[step]
    if details["type"] == "missing" or _has(here, last):
        yield str(last)
    if details["type"] == "union_tag_invalid" and isinstance(details["input"], dict):
        yield "type"


def _has(value: Any, step: int | str) -> bool:
    if isinstance(value, list):
        return isinstance(step, int)
    return isinstance(value, dict) and step in value


def _words(settings: type[Settings], details: ErrorDetails) -> str:
    kind, path = details["type"], [str(step) for step in details["loc"]]
    if kind == "extra_forbidden":
        known = _settings_at(settings, path[:-1])
        return f"unknown setting {path[-1]!r}. {suggestion(path[-1], known)}"
    if kind == "union_tag_not_found":
        return "there is no `type`"
    if kind == "union_tag_invalid":
        return _no_such_type(**details["ctx"])
    words = details["msg"]
    for theirs, ours in WORDS.items():
        words = words.replace(theirs, ours)
    return words


def _value(details: ErrorDetails) -> str:
    value = details["input"]
    text = repr(value)
    is_clear = details["type"] in ("extra_forbidden", "union_tag_invalid", "incomplete", "secret")
    is_short = len(text) <= SHOWN and not isinstance(value, dict)
    return f", got {text}" if is_short and not is_clear else ""


def _no_such_type(tag: str, expected_tags: str, **_: str) -> str:
    known = [name.strip("' ") for name in expected_tags.split(",")]
    return f"there is no type {tag!r}. {suggestion(tag, known)}"


def _settings_at(settings: type[Settings], path: Sequence[str]) -> list[str]:
    """The names of the settings at a location in a section, by its JSON schema."""
    schema = settings.model_json_schema()
    definitions, here = schema.get("$defs", {}), schema
    for step in path:
        here = _inside(here, step, definitions)
    return list(here.get("properties", {}))


def _inside(schema: Mapping[str, Any], step: str, definitions: Mapping[str, Any]) -> Any:
    """The part of a schema at one step of a path: a setting, a type, or an item."""
    inner: Any = None
    for part in _alternatives(schema):
        members = part.get("discriminator", {}).get("mapping", {})
        if step in members:
            inner = {"$ref": members[step]}
        elif step.isdigit() and "items" in part:
            inner = part["items"]
        elif step in part.get("properties", {}):
            inner = part["properties"][step]
        elif isinstance(part.get("additionalProperties"), dict):
            inner = part["additionalProperties"]
    if inner is None:  # a branch of pydantic's, which the schema does not show
        return schema
    if "$ref" in inner:
        return definitions[inner["$ref"].rpartition("/")[2]]
    return inner


def _alternatives(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The alternatives of a schema: a value, null, a bare name, or ``auto``."""
    if "anyOf" not in schema:
        yield schema
    for part in schema.get("anyOf", []):
        yield from _alternatives(part)
