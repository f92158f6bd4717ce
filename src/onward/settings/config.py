"""Reading one section of a config file, and writing a file like it."""

import difflib
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from onward.errors import ConfigError
from onward.settings.family import Settings
from onward.settings.yaml import one_line

S = TypeVar("S", bound=Settings)
SHOWN = 80  # letters of a wrong value in a message
_plugins: list[str] = []  # imported for the config of this run


def section(path: Path, name: str, settings: type[S]) -> S:
    """Read and check the section ``name`` of the file ``path``.

    The file is YAML 1.2, read as DVC reads it. PyYAML reads YAML 1.1, where ``1e-3`` is text and
    ``010`` is eight: DVC would record one value and the run would use another.

    Raises:
        ConfigError: with one line for each thing that is wrong.
    """
    document = _read(path)
    if name not in document:
        raise ConfigError(
            f"{path}: there is no section {name!r}. {_absent(name, document, settings)}"
        )
    try:
        # as JSON: strict about types, but a list will do for a tuple and a text for a path
        return settings.model_validate_json(json.dumps(document[name] or {}, default=str))
    except ValidationError as error:
        lines = [f"  {_problem(name, settings, details)}" for details in error.errors()]
        raise ConfigError("\n".join([f"{path}:", *lines])) from error


def _absent(name: str, document: Mapping[str, Any], settings: type[Settings]) -> str:
    """What to do about a section that is not there."""
    try:
        settings.model_validate({})
        remedy = f"add a line `{name}: {{}}`"
    except ValidationError:
        remedy = "add it: `onward init TABLE` writes a config with all sections"
    if not document:
        return f"There are none at all. {remedy[0].upper()}{remedy[1:]}"
    # 'export' is as close to 'report' as 0.83, and is none misspelt
    meant = difflib.get_close_matches(name, map(str, document), 1, cutoff=0.85)
    there_are = f"There are: {', '.join(map(str, document))}."
    return f"{f'Did you mean {meant[0]!r}?' if meant else there_are} Correct the name, or {remedy}"


def import_plugins(path: Path) -> None:
    """Import the modules that the config names in ``plugins``, so that their classes exist.

    Raises:
        ConfigError: if there is no such module.
    """
    names = _read(path).get("plugins") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{path}: plugins: this is a list of modules, got {names!r}")
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{path}: plugins: {error}. Install the package that has it, or correct the name"
            ) from error
    _plugins[:] = names


def write(path: Path, sections: Mapping[str, Any]) -> None:
    """Write a config for another process, with the plugins of this one."""
    values = {"plugins": _plugins, **sections}
    path.write_text("".join(f"{name}: {one_line(value)}\n" for name, value in values.items()))


def _read(path: Path) -> dict[str, Any]:
    try:
        document = YAML(typ="safe").load(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file. Name a file in configs/") from error
    except IsADirectoryError as error:
        raise ConfigError(f"{path}: this is a folder. Name a file in it") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: this is no YAML. {error}") from error
    except MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = str(error.problem).partition("\n")[0]
        raise ConfigError(f"{path}: this is no YAML{line}: {problem}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: a config is sections by name; found {type(document).__name__}")
    return document


def _problem(section: str, settings: type[Settings], details: ErrorDetails) -> str:
    where = ".".join([section, *map(str, details["loc"])])
    if details["type"] == "extra_forbidden":
        *path, name = map(str, details["loc"])
        return f"{where}: there is no setting {name!r}.{_hint(name, _settings_at(settings, path))}"
    if details["type"] == "union_tag_not_found":
        return f"{where}: there is no `type`"
    if details["type"] == "union_tag_invalid":
        return f"{where}.type: {_no_such_type(**details['ctx'])}"
    message = details["msg"].removeprefix("Value error, ")
    got = repr(details["input"])
    is_short = len(got) <= SHOWN and not isinstance(details["input"], dict)
    return f"{where}: {message}" + (f", got {got}" if is_short else "")


def _no_such_type(tag: str, expected_tags: str, **_: str) -> str:
    known = [name.strip("' ") for name in expected_tags.split(",")]
    return f"there is no type {tag!r}.{_hint(tag, known)}"


def _hint(name: str, known: list[str]) -> str:
    meant = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {meant[0]!r}?" if meant else ""
    return f"{hint} There are {', '.join(known)}" if known else hint


def _settings_at(settings: type[Settings], path: list[str]) -> list[str]:
    """The names of the settings at a place in a section, as its JSON schema says."""
    schema = settings.model_json_schema()
    definitions, here = schema.get("$defs", {}), schema
    for step in path:
        here = _inside(here, step, definitions)
    return list(here.get("properties", {}))


def _inside(schema: dict[str, Any], step: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """The part of a schema that one step of a path leads to: a setting, a type, or an item."""
    variants = schema.get("anyOf", [])  # something, or nothing
    found = next((each for each in variants if each.get("type") != "null"), schema)
    if step.isdigit():
        found = found.get("items", {})
    elif step in found.get("discriminator", {}).get("mapping", {}):
        found = {"$ref": found["discriminator"]["mapping"][step]}
    else:
        found = found.get("properties", {}).get(step, {})
    if "$ref" in found:
        return definitions[found["$ref"].rpartition("/")[2]]  # type: ignore[no-any-return]
    return found
