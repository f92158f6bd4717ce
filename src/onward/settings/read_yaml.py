"""Read untrusted YAML as plain values, as DVC reads it, within limits."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, StringMark
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError

from onward.errors import ConfigError

MOST_BYTES = 2**21  # beyond it, it is no config
MOST_ANCHORS = 1_000
MOST_VALUES = 120_000  # also in place of aliases; 12 for each of 10,000 columns, in ten seconds
DEEPEST = 50  # levels; no setting lies deeper than ten
CORE = "tag:yaml.org,2002:"
TAGS = tuple(
    CORE + name
    for name in ("null", "bool", "int", "float", "timestamp", "str", "seq", "map", "merge", "value")
)


def read_yaml(path: Path) -> Any:
    """The value in a file: JSON types, with dates as text.

    The file is YAML 1.2. PyYAML reads YAML 1.1, where ``1e-3`` is text and ``010`` is eight: DVC
    would record one value and the run use another.

    Raises:
        ConfigError: if the file cannot be read, is not YAML, or exceeds a limit.
    """
    return parse_yaml(_text(path), path)


def parse_yaml(text: str, path: Path) -> Any:
    """Like `read_yaml`, for a text; ``path`` names it in messages."""
    try:
        return _value(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{path}: invalid YAML in line {line}: the character U+{error.character:04X}. Remove it"
        ) from error
    except MarkedYAMLError as error:
        raise ConfigError(f"{path}: invalid YAML{_place(error)}") from error


@lru_cache(maxsize=1)  # a command reads several sections, and the parser is slow
def _value(text: str) -> Any:
    yaml = YAML(typ="safe")
    yaml.Composer, yaml.Constructor = _Composer, _Constructor
    return yaml.load(text)


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if path.is_file() and size > MOST_BYTES:
            raise ConfigError(
                f"{path}: {size:,} bytes, and a config has at most {MOST_BYTES:,}. Is it the right"
                " file?"
            )
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file. Name a file in configs/") from error
    except IsADirectoryError as error:
        raise ConfigError(f"{path}: this is a folder. Name a file in it") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8: {error}. Save it as UTF-8") from error


def _place(error: MarkedYAMLError) -> str:
    """The line number, the problem, and the line with a caret below the error."""
    mark, problem = error.problem_mark, str(error.problem).partition("\n")[0]
    if twice := re.match(r'found duplicate key "(.*?)" with', problem):
        problem = f"{twice[1]!r} occurs twice. Remove one of them"
    if not isinstance(mark, StringMark):
        return f": {problem}"
    snippet = (mark.get_snippet(indent=2) or "").removesuffix(f" (line: {mark.line + 1})")
    return f" in line {mark.line + 1}: {problem}\n{snippet}"


class _Composer(Composer):
    """Counts values and anchors, so that a small file cannot expand to a large value."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self._depth = self._anchors = self._values = 0
        self._sizes: dict[int, int] = {}
        """Of each node that is complete, by its identity: values in it."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As the base class does."""
        event = self.parser.peek_event()
        is_alias = isinstance(event, AliasEvent)
        self._anchors += event.anchor is not None
        self._depth += 1
        self._values += 1
        if self._values > MOST_VALUES:
            raise _error(event, f"more than {MOST_VALUES:,} values")
        if self._depth > DEEPEST:
            raise _error(event, f"values lie more than {DEEPEST} levels deep")
        if self._anchors > MOST_ANCHORS:
            raise _error(event, f"more than {MOST_ANCHORS:,} anchors and aliases")
        node = super().compose_node(parent, index)
        self._depth -= 1
        if is_alias and id(node) not in self._sizes:
            raise _error(event, f"'*{event.anchor}' refers to a value that contains it")
        self._sizes[id(node)] = size = self._size(node)
        if size > MOST_VALUES:
            raise _error(event, f"more than {MOST_VALUES:,} values")
        return node

    def _size(self, node: Node) -> int:
        if not isinstance(node, CollectionNode):
            return 1
        parts = (
            [part for pair in node.value for part in pair]
            if isinstance(node, MappingNode)
            else node.value
        )
        return 1 + sum(self._sizes[id(part)] for part in parts)


class _Constructor(SafeConstructor):
    """Constructs JSON types only, and locates errors."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """As the base class does."""
        if node.tag not in TAGS:
            raise _error(node, f"the tag {node.tag.replace(CORE, '!!')!r} is not supported")
        try:
            value = super().construct_object(node, deep)
        except ValueError as error:  # of `int` and its like, for digits without end
            raise _error(node, str(error).partition(";")[0]) from error
        if isinstance(value, str) and not value.isascii():
            _refuse_surrogates(node, value)
        return value

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """As the base class does; keys must be text."""
        for key, _ in node.value:
            _refuse_key(key)
        return super().construct_mapping(node, deep)


def _refuse_key(key: Node) -> None:
    if not isinstance(key, ScalarNode):
        raise _error(key, "a name must be text")
    is_text = key.tag in (f"{CORE}str", f"{CORE}merge", f"{CORE}value")
    is_canonical = key.tag == f"{CORE}int" and str(key.value).isdecimal() and key.value[0] != "0"
    if not (is_text or is_canonical or key.value == "0"):
        kind = str(key.tag).removeprefix(CORE)
        raise _error(key, f"{key.value!r} is a name and reads as {kind}. Put it in quotes")


def _refuse_surrogates(node: Node, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _error(node, "a lone surrogate") from error


def _error(at: Any, problem: str) -> MarkedYAMLError:
    return MarkedYAMLError(problem=problem, problem_mark=at.start_mark)


def _as_text(constructor: SafeConstructor, node: Node) -> str:
    text: str = constructor.construct_scalar(node)
    return text


_Constructor.add_constructor(f"{CORE}timestamp", _as_text)
