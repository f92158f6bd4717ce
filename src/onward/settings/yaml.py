"""Write values as YAML, in the form that DVC uses when it rewrites a file."""

import io
import json
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.resolver import implicit_resolvers

WIDTH = 79  # letters; DVC breaks lines of 80
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*([ /-][A-Za-z0-9_]+)*")
SPECIAL = frozenset({"false", "inf", "n", "nan", "no", "null", "off", "on", "true", "y", "yes"})
ROUNDS = 5  # after which DVC changes no more


def one_line(value: Any) -> str:
    """A text, number, list or mapping as YAML on one line.

    Values are the same in YAML 1.1 and 1.2: where the two disagree about a text, it has a tag,
    since DVC removes quotes that YAML 1.2 does not need. Names have no tags, which DVC refuses.

    Example:
        >>> one_line({"type": "categorical", "missing": ("?", "no")})
        '{type: categorical, missing: ["?", !!str no]}'
    """
    if isinstance(value, str):
        return f"!!str {value}" if _is_ambiguous(value) else _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {one_line(value[key])}" for key in value) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(one_line, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    return json.dumps(value)


def setting(name: str, value: Any, reasons: Sequence[str] = (), indent: int = 0) -> list[str]:
    """Lines of a config: a name, its value, and why.

    A mapping is on one line where there is room, and otherwise in block style with lists first:
    DVC replaces lists, and loses a comment behind one. One reason is behind the value if there is
    room, and otherwise before it.

    Example:
        >>> setting("km", {"type": "numerical"}, ["numbers from 0.5 to 9"])
        ['km: {type: numerical}  # numbers from 0.5 to 9']
    """
    lines = _as_dvc_writes(_lines(name, value, " " * indent), indent)
    if len(lines) == len(reasons) == 1 and len(behind := f"{lines[0]}  # {reasons[0]}") <= WIDTH:
        return [behind]
    return [line for reason in reasons for line in comment(reason, indent)] + lines


def comment(text: str, indent: int = 0) -> list[str]:
    """A comment on its own lines."""
    start = " " * indent + "# "
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=start,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _as_dvc_writes(lines: list[str], indent: int) -> list[str]:
    """The setting in the form that DVC does not change.

    It chooses its own quotes, and breaks long lines at blanks.
    """
    if not any('"' in line or len(line) > WIDTH for line in lines):
        return lines
    above = [" " * level + "above:" for level in range(0, indent, 2)]  # breaks depend on the place
    before = text = "\n".join([*above, *lines]) + "\n"
    for _ in range(ROUNDS):
        yaml, file = YAML(), io.StringIO()
        yaml.dump(yaml.load(text), file)
        if file.getvalue() == text:
            break
        text = file.getvalue()
    if _value(text) != _value(before):  # as of U+0085, which it writes without an escape
        return lines
    return text.removesuffix("\n").split("\n")[len(above) :]


def _value(text: str) -> Any:
    return YAML(typ="safe").load(text)


def _lines(name: str, value: Any, start: str) -> list[str]:
    head = f"{start}{_text(name)}:"
    short = f"{head} {one_line(value)}"
    if not isinstance(value, Mapping | list | tuple) or not value:
        return [short]
    if isinstance(value, Mapping):
        if len(short) <= WIDTH:
            return [short]
        lists_first = sorted(value.items(), key=lambda item: not isinstance(item[1], list | tuple))
        return [head, *(line for n, v in lists_first for line in _lines(n, v, f"{start}  "))]
    return [head, *(line for item in value for line in _item(item, start))]


def _item(item: Any, start: str) -> list[str]:
    """An item of a list: on one line, or a mapping with a line for each name if it is too long."""
    short = f"{start}- {one_line(item)}"
    if not isinstance(item, Mapping) or len(short) <= WIDTH:
        return [short]
    lines = [line for name, value in item.items() for line in _lines(name, value, f"{start}  ")]
    return [f"{start}- {lines[0].lstrip()}", *lines[1:]]


def _is_ambiguous(text: str) -> bool:
    """Whether YAML 1.1 reads another value from a text that YAML 1.2 does not quote."""
    return _resolves(text, (1, 1)) and not _resolves(text, (1, 2))


def _resolves(text: str, version: tuple[int, int]) -> bool:
    return any(
        version in versions and (letters is None or text[:1] in letters) and pattern.match(text)
        for versions, _, pattern, letters in implicit_resolvers
    )


def _number(number: float) -> str:
    """YAML 1.1 wants a point before an exponent."""
    if math.isnan(number):
        return ".nan"
    if math.isinf(number):
        return ".inf" if number > 0 else "-.inf"
    digits, exponent, power = repr(number).partition("e")
    return f"{digits}{'.0' if exponent and '.' not in digits else ''}{exponent}{power}"


def _text(text: str) -> str:
    if WORD.fullmatch(text) and text.lower() not in SPECIAL:
        return text
    return "".join(map(_printable, json.dumps(text, ensure_ascii=False)))


def _printable(letter: str) -> str:
    """JSON does not escape some characters that YAML refuses or reads as line ends."""
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
