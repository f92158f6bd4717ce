"""Whatever a config file holds: its values, or a message that names the line, and soon."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onward.errors import ConfigError
from onward.settings.read_yaml import MOST_BYTES, parse_yaml, read_yaml

PATH = Path("c.yaml")


def bomb() -> str:
    lines, last = ["a: &a [x, x, x, x, x, x, x, x, x]"], "a"
    for name in "bcdefghij":
        lines.append(f"{name}: &{name} [{', '.join([f'*{last}'] * 9)}]")
        last = name
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: d", "in line 2: "),
        ("a: 1\na: 2", "in line 2: 'a' occurs twice. Remove one of them\n  a: 2\n  ^"),
        ("a: 1\n--- 1", "in line 2: "),
        ("a:\n\tb: 1", "in line 2: "),
        ("a: 1\nb: \a", "in line 2: the character U+0007"),
        ("a: \0", "in line 1: the character U+0000"),
        ('a: "\\ud800"', "in line 1: a lone surrogate"),
        (f"a: {'9' * 5000}", "in line 1: Exceeds the limit"),
        ("a: !!int x", "in line 1: "),
        ("a: &b {c: [*b]}", "in line 1: '*b' refers to a value that contains it"),
        ("a: *b", "in line 1: found undefined alias 'b'"),
        ("a: !!python/name:os.system", "in line 1: the tag '!!python/name:os.system'"),
        ("a: !!set {x}", "in line 1: the tag '!!set' is not supported"),
        ("a: !!binary aGk=", "in line 1: the tag '!!binary' is not supported"),
        ("? [a, b]\n: 1", "in line 1: a name must be text"),
        ("1e3: 1", "in line 1: '1e3' is a name and reads as float. Put it in quotes"),
        ("010: 1", "in line 1: '010' is a name and reads as int"),
        ("null: 1", "in line 1: 'null' is a name and reads as null"),
        (bomb(), "in line 6: more than 120,000 values"),
        ("a: " + "[" * 3000, "in line 1: values lie more than 50 levels deep"),
        ("a:\n" + "- " * 60, "in line "),
        ("".join(f"a{i}: &a{i} 1\n" for i in range(2000)), "in line 1001: more than 1,000 anchors"),
    ],
)
def test_odd_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_yaml(text, PATH)
    assert str(error.value).startswith("c.yaml: invalid YAML in line ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 2024-02-30", {"a": "2024-02-30"}),
        ("a: 2024-02-03T04:05:06Z", {"a": "2024-02-03T04:05:06Z"}),
        ("2020: 1\n0: 2", {2020: 1, 0: 2}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: &x {c: 1}\nb: {<<: *x, d: 2}", {"a": {"c": 1}, "b": {"c": 1, "d": 2}}),
        ("a: !!str No\nb: no", {"a": "No", "b": "no"}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_yaml_is_read(text: str, value: Any) -> None:
    assert parse_yaml(text, PATH) == value


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("#" * (MOST_BYTES + 1))
    with pytest.raises(ConfigError, match="2,097,153 bytes, and a config has at most 2,097,152"):
        read_yaml(path)


def test_a_long_list_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onward.settings.read_yaml.MOST_VALUES", 100)
    with pytest.raises(ConfigError, match="in line 2: more than 100 values"):
        parse_yaml(f"a: [\n{'x, ' * 200}\n]]]] and no YAML", PATH)


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes("a: ö".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_yaml(path)


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!?|>'\"\\#%@,0123. \n\t<=~\ufeff\x07é")))
@example("a: !!timestamp x")
@example("a: <<")
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(ConfigError):
        parse_yaml(text, PATH)
