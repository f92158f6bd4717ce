"""Conversion of config files from an earlier layout, in place."""

import json
from pathlib import Path

from ruamel.yaml.error import YAMLError

from onward.artifacts.replacing import replacing
from onward.errors import ConfigError
from onward.settings.convert import convert_document, convert_text, is_old
from onward.settings.read_yaml import parse_yaml, read_yaml


def convert(path: Path) -> str:
    """Rewrite the file if it has an earlier layout, and return a message.

    Raises:
        ConfigError: if the file cannot be read or converted; then it is unchanged.
    """
    document = read_yaml(path)
    if not isinstance(document, dict) or not is_old(document):
        return f"{path}: no change: the file already has the layout of this version"
    try:
        wanted = convert_document(document)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    text = _convert_text(path)
    if json.dumps(parse_yaml(text, path)) != json.dumps(wanted):
        raise ConfigError(
            f"{path}: `columns` and `derive` cannot be converted automatically. Write them as"
            " mappings by hand, such as {age: {type: numerical}}"
        )
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")
    return f"{path}: converted: columns and derived columns are now mappings by name"


def _convert_text(path: Path) -> str:
    """The text of the file in the current layout; empty if it cannot be converted."""
    text = path.read_text(encoding="utf-8-sig")
    try:
        text = convert_text(text)
        parse_yaml(text, path)
    except (ConfigError, ValueError, YAMLError):
        return ""
    return text
