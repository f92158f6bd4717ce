"""Values as YAML, on one line."""

import json
import re
from collections.abc import Mapping
from typing import Any

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*([ /-][A-Za-z0-9_]+)*")
SPECIAL = frozenset({"false", "inf", "n", "nan", "no", "null", "off", "on", "true", "y", "yes"})


def one_line(value: Any) -> str:
    """A text, a number, a list or a mapping, such that YAML 1.2 reads the same value.

    Example:
        >>> one_line({"type": "categorical", "missing": ("?", "no")})
        '{type: categorical, missing: ["?", "no"]}'
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {one_line(value[key])}" for key in value) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(one_line, value)) + "]"
    return json.dumps(value)


def _text(text: str) -> str:
    if WORD.fullmatch(text) and text.lower() not in SPECIAL:
        return text
    return "".join(map(_printable, json.dumps(text, ensure_ascii=False)))


def _printable(letter: str) -> str:
    """JSON leaves letters as they are that YAML refuses or reads as line ends."""
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
