"""Read sections of config files, and write configs."""

import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from onward.errors import ConfigError, suggestion
from onward.settings.convert import is_old
from onward.settings.family import Settings
from onward.settings.read_yaml import read_yaml
from onward.settings.say import problems
from onward.settings.yaml import one_line

S = TypeVar("S", bound=Settings)
SECTIONS = ("plugins", "prepare", "tune", "train", "export", "evaluate", "report")
MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_plugins: list[str] = []  # imported for the config of this run


def section(path: Path, name: str, settings: type[S]) -> S:
    """Read and check the section ``name`` of the file ``path``.

    A missing section has the defaults of all its settings.

    Raises:
        ConfigError: with one line per problem.
    """
    document = _read(path, name)
    if name not in document and not has_defaults(settings):
        raise ConfigError(
            f"{path}: there is no section {name!r}. Add it: `onward init TABLE` writes a config"
            " with all sections"
        )
    given = document.get(name)
    try:
        # as JSON: strict about types, but a list will do for a tuple and a text for a path
        return settings.model_validate_json(json.dumps({} if given is None else given))
    except ValidationError as error:
        lines = [f"  {line}" for line in problems(name, settings, given, error)]
        raise ConfigError("\n".join([f"{path}:", *lines])) from error


def has_section(path: Path, name: str) -> bool:
    """Whether the file ``path`` has a section ``name``."""
    return name in _read(path)


def config_name(path: Path) -> str:
    """The name of a config and of its folder in ``artifacts/``.

    Raises:
        ConfigError: if the name begins with a dot.
    """
    if path.stem.startswith(".") or not path.stem:
        raise ConfigError(f"{path}: the name of the config begins with a dot. Rename the file")
    return path.stem


def import_plugins(path: Path) -> None:
    """Import the modules in ``plugins``, which registers their classes.

    Raises:
        ConfigError: if there is no such module.
    """
    names = _read(path).get("plugins") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{path}: plugins: this is a list of modules, got {names!r}")
    for name in names:
        if not MODULE.fullmatch(name):
            raise ConfigError(
                f"{path}: plugins: {name!r} is not the name of a module, such as 'my_package.heads'"
            )
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{path}: plugins: {error}. Install the package that has it, or correct the name"
            ) from error
        except SystemExit as error:  # which would end the stage as if all were well
            raise ConfigError(
                f"{path}: plugins: {name} ends the program when imported, with {error.code!r}."
                " Remove the call of `sys.exit`"
            ) from error
    _plugins[:] = names


def write(path: Path, sections: Mapping[str, Any]) -> None:
    """Write a config for another process, with the plugins of this one."""
    values = {"plugins": _plugins, **sections}
    path.write_text("".join(f"{name}: {one_line(value)}\n" for name, value in values.items()))


def _read(path: Path, *known: str) -> Mapping[str, Any]:
    """The sections of a file, which are ``SECTIONS`` or ``known``."""
    document = read_yaml(path)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(
            f"{path}: a config is a mapping of sections, got {type(document).__name__}"
        )
    sections = dict.fromkeys((*SECTIONS, *known))
    for name in document:
        if name not in sections:
            raise ConfigError(
                f"{path}: there is no section {name!r} in a config."
                f" {suggestion(str(name), sections)}"
            )
    if is_old(document):
        raise ConfigError(
            f"{path}: `columns` and `derive` are lists in this file, and must be mappings by"
            f" name. Run `onward convert-config {path}`"
        )
    return document


def has_defaults(settings: type[Settings]) -> bool:
    """Whether a section may be missing."""
    try:
        settings.model_validate({})
    except ValidationError:
        return False
    return True
