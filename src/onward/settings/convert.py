"""Rewrite configs of older versions.

In earlier configs ``prepare.columns`` and ``prepare.derive`` were lists, and each entry had its
``name`` inside; dates that begin with the day or the month had an ``order``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from onward.schema import FORMATS
from onward.settings.yaml import one_line

LISTS = ("columns", "derive")
INDENT = 2  # blanks


def is_old(document: Mapping[str, Any]) -> bool:
    """Whether a config, as values, has an older layout."""
    prepare = document.get("prepare")
    return isinstance(prepare, dict) and any(isinstance(prepare.get(n), list) for n in LISTS)


def convert_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a config in the current layout.

    Raises:
        ValueError: if an entry of a list has no name, or two have the same.
    """
    prepare = dict(document["prepare"])
    for name in LISTS:
        if isinstance(prepare.get(name), list):
            prepare[name] = _by_name(name, prepare[name])
    return {**document, "prepare": prepare}


def _by_name(section: str, entries: list[Any]) -> dict[str, Any]:
    by_name: dict[str, Any] = {}
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise ValueError(f"prepare.{section}: {one_line(entry)} has no `name` that is text")  # noqa: TRY004
        name = entry["name"]
        if name in by_name:
            raise ValueError(f"prepare.{section}: {name!r} occurs twice. Remove one of them")
        by_name[name] = dict(_today(key, value) for key, value in entry.items() if key != "name")
    return by_name


def _today(key: str, value: Any) -> tuple[str, Any]:
    """A setting of a column; ``order`` of dates becomes ``format``."""
    is_format = key == "order" and isinstance(value, str)
    return ("format", FORMATS[value]) if is_format and value in FORMATS else (key, value)


@dataclass(frozen=True)
class Edit:
    """A part of a text and its replacement."""

    start: int
    stop: int
    text: str


def convert_text(text: str) -> str:
    """The text of a config in the current layout, with its comments.

    Raises:
        ValueError, YAMLError: if the text is written in an unexpected way. Compare the result with
        that of `converted`.
    """
    return _edit(_edit(text, _shifts), _of_list)


Edits = Callable[[str, Node, SequenceNode], Iterator[Edit]]
"""Those of a list: of the text, the name of the list, and the list."""


def _edit(text: str, edits_of: Edits) -> str:
    prepare = _pairs(YAML(typ="safe").compose(text))["prepare"][1]
    edits: list[Edit] = []
    for name, (key, node) in _pairs(prepare).items():
        if name in LISTS and isinstance(node, SequenceNode):
            edits += edits_of(text, key, node)
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.stop :]
    return text


def _shifts(text: str, key: Node, node: SequenceNode) -> Iterator[Edit]:
    """Edits that indent the lines of a list that is not indented."""
    if node.flow_style or node.start_mark.column > key.start_mark.column:
        return
    start = text.index("\n", key.end_mark.index) + 1
    for line in re.finditer(r"^(?=.*\S)", text[start : node.end_mark.index], re.MULTILINE):
        yield Edit(start + line.start(), start + line.start(), " " * INDENT)


def _of_list(text: str, _: Node, node: SequenceNode) -> Iterator[Edit]:
    if node.flow_style or not node.value:
        start, stop = node.start_mark.index, node.end_mark.index
        yield Edit(start, start + 1, "{")
        yield Edit(stop - 1, stop, "}")
    for item in node.value:
        yield from _of_item(text, item, is_in_flow=node.flow_style)


def _of_item(text: str, item: MappingNode, *, is_in_flow: bool) -> Iterator[Edit]:
    for setting, value in item.value:
        name, today = _today(setting.value, value.value)
        if name != setting.value:
            yield Edit(setting.start_mark.index, value.end_mark.index, f"{name}: {one_line(today)}")
    key, pair_start, pair_stop = _name_of(text, item)
    start = item.start_mark.index
    before = start if is_in_flow else text.rindex("-", 0, start)
    if item.flow_style:
        yield Edit(before, start, f"{key}: ")
        yield Edit(pair_start, pair_stop, "")
        return
    line_stop = text.find("\n", pair_stop) % (len(text) + 1)  # or the end of the text
    comment = text[pair_stop:line_stop].rstrip()
    if pair_start == start:
        yield Edit(before, line_stop, f"{key}:{comment}")
    else:
        yield Edit(before, start, f"{key}:{comment}\n{' ' * item.start_mark.column}")
        yield Edit(text.rindex("\n", 0, pair_start), line_stop, "")


def _name_of(text: str, item: MappingNode) -> tuple[str, int, int]:
    """The name as written, and its start and end in the text."""
    index = [key.value for key, _ in item.value].index("name")
    key, value = item.value[index]
    start, stop = key.start_mark.index, value.end_mark.index
    written = text[value.start_mark.index : stop]
    if value.style in ("|", ">") or "\n" in written:
        written = one_line(value.value)
    if item.flow_style and index + 1 < len(item.value):
        stop = item.value[index + 1][0].start_mark.index
    elif item.flow_style and index:
        start = item.value[index - 1][1].end_mark.index
    return written, start, stop


def _pairs(node: MappingNode) -> dict[str, tuple[Node, Any]]:
    """The nodes of name and value in a mapping, by name."""
    return {str(key.value): (key, value) for key, value in node.value}
