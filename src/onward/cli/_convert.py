"""A config file of a former layout, rewritten in place."""

import json
from pathlib import Path

from ruamel.yaml.error import YAMLError

from onward.artifacts.publishing import replacing
from onward.errors import ConfigError
from onward.settings.convert import converted, converted_text, is_old
from onward.settings.read_yaml import parse_yaml, read_yaml


def convert(path: Path) -> str:
    """Rewrite the file, if it has to be, and say what was done.

    Raises:
        ConfigError: if it cannot be read, or not be rewritten; then it is as it was.
    """
    document = read_yaml(path)
    if not isinstance(document, dict) or not is_old(document):
        return f"{path}: nothing to do, the file has the layout of this version"
    try:
        wanted = converted(document)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    text = _rewritten(path)
    if json.dumps(parse_yaml(text, path)) != json.dumps(wanted):
        raise ConfigError(
            f"{path}: `columns` and `derive` are written in a way that cannot be converted. Write"
            " them as mappings by hand, {age: {type: numerical}}"
        )
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")
    return f"{path}: columns and derived columns are mappings by name now"


def _rewritten(path: Path) -> str:
    """The text of the file in the layout of today; empty where that cannot be made."""
    text = path.read_text(encoding="utf-8-sig")
    try:
        text = converted_text(text)
        parse_yaml(text, path)
    except (ConfigError, ValueError, YAMLError):
        return ""
    return text
