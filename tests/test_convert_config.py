"""`onward convert-config` rewrites configs of former layouts, and keeps their comments."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from typer.testing import CliRunner

from onward.__main__ import app
from onward.errors import ConfigError
from onward.settings.convert import convert_document, convert_text
from onward.settings.yaml import one_line

FLOW = """\
# why
prepare:
  seed: 0
  columns: [{type: numerical, name: age}, {name: "a b", order: day_first, type: datetime}]  # two
  derive: []
train: {}
"""
FLOW_NOW = """\
# why
prepare:
  seed: 0
  columns: {age: {type: numerical}, "a b": {format: "%d/%m/%Y", type: datetime}}  # two
  derive: {}
train: {}
"""
BLOCK = """\
prepare:
  columns:
  # first
  - type: numerical
    name: km  # the way
    missing:
    - NA
  # second
  - name: x  # why
    # how
    type: categorical
  -   type: boolean
      true_values: [a]
      name: "yes"
  - {type: numerical,
     name: z}  # last
  derive:
    - {type: formula, name: f, expression: a / b}  # f
    # end
"""
BLOCK_NOW = """\
prepare:
  columns:
    # first
    km:  # the way
      type: numerical
      missing:
      - NA
    # second
    x:  # why
      # how
      type: categorical
    "yes":
        type: boolean
        true_values: [a]
    z: {type: numerical}  # last
  derive:
    f: {type: formula, expression: a / b}  # f
    # end
"""


def convert(path: Path) -> str:
    result = CliRunner().invoke(app, ["convert-config", str(path)])
    if result.exception:
        raise result.exception
    return result.output


@pytest.mark.parametrize(("before", "after"), [(FLOW, FLOW_NOW), (BLOCK, BLOCK_NOW)])
def test_comments_and_all_else_stay(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(before)
    assert "are now mappings by name" in convert(path)
    assert path.read_text() == after
    assert "no change" in convert(path)
    assert path.read_text() == after


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prepare: {columns: [{name: a}, {name: a}]}", "prepare.columns: 'a' occurs twice"),
        ("prepare: {columns: [{type: a}]}", "prepare.columns: {type: a} has no `name`"),
        ("prepare: {columns: [{name: 3}]}", "has no `name` that is text"),
        ("prepare: {columns: [3]}", "prepare.columns: 3 has no `name`"),
        ("a: &a {name: b}\nprepare: {columns: [*a]}", "Write them as mappings by hand"),
        ("a: &a {name: b}\nprepare: {columns: [{<<: *a, type: c}]}", "as mappings by hand"),
        ("prepare: {columns: [", "invalid YAML"),
    ],
)
def test_what_cannot_be_converted_stays(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        convert(path)
    assert message in str(error.value)
    assert path.read_text() == text


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
settings = st.fixed_dictionaries({"type": st.just("numerical")}, optional={"missing": st.just([1])})


@given(st.dictionaries(names, settings, min_size=1), st.booleans(), st.data())
def test_values_are_those_of_before(
    columns: dict[str, dict[str, Any]], is_flow: bool, data: st.DataObject
) -> None:
    lines = []
    for name, entry in columns.items():
        pairs = data.draw(st.permutations([*entry.items(), ("name", name)]))
        if is_flow:
            lines.append(f"  - {one_line(dict(pairs))}")
        else:
            block = [f"{key}: {one_line(value)}" for key, value in pairs]
            lines += [f"  - {block[0]}", *(f"    {line}" for line in block[1:])]
    text = "\n".join(["prepare:", "  columns:", *lines, "train: {}"])
    document = YAML(typ="safe").load(text)
    assert YAML(typ="safe").load(convert_text(text)) == convert_document(document)
