"""Config files are read strictly, and as DVC reads them."""

from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from dvc.utils.serialize import parse_yaml
from pydantic import PositiveInt

from onward import stages
from onward.errors import ConfigError
from onward.settings.auto import EachOrAuto, OrAuto, without_auto
from onward.settings.config import SECTIONS, config_name, import_plugins, section
from onward.settings.family import ByName, Family, OneOf, Settings


class Shape(Family):
    pass


class Circle(Shape):
    class Config(Settings):
        type: Literal["circle"] = "circle"
        name: str = ""
        colors: tuple[str, ...] = ()


class Square(Shape):
    class Config(Settings):
        type: Literal["square"] = "square"
        name: str = ""
        width: int


class Steps(Settings):
    size: PositiveInt = 3
    word: Literal["auto", "other"] = "other"


STEPS = EachOrAuto(Steps)


class Anything(Settings):
    value: int | float


class Shapes(Settings):
    one: Annotated[Any, OneOf(Shape)] | None = None
    chosen: Annotated[Any, OneOf(Shape), OrAuto()] = "auto"
    steps: Annotated[Any, STEPS] = STEPS.settings()
    several: Annotated[tuple[Any, ...], ByName(Shape)] = ()


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", ["1e-3", "010", "1_000", ".5"])
def test_reads_numbers_as_dvc_does(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, f"stage: {{value: {text}}}")
    ours = section(path, "stage", Anything).value
    assert ours == parse_yaml(path.read_text(), path)["stage"]["value"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "stage: {value: 1, valeu: 2}",
            "stage.valeu: unknown setting 'valeu'. Did you mean 'value'?",
        ),
        ("stage: {value: yes}", "stage.value: must be a whole number or a number, got 'yes'"),
        ("stage: {}", "stage.value: required, but missing"),
        ("stage: 3", "stage: must be a mapping, got 3"),
        ("stag: {value: 1}", "no section 'stag' in a config. Did you mean 'stage'?"),
        ("plugin: [mine]", "no section 'plugin' in a config. Did you mean 'plugins'?"),
        ("foo: 1", "no section 'foo' in a config. There are 'plugins', 'prepare', 'tune'"),
        ("", "there is no section 'stage'. Add it"),
        ("stage: {value: ]", "invalid YAML in line 1: "),
        ("- stage", "a config is a mapping of sections, got list"),
        ("prepare: {columns: [{name: a}]}", "Run `onward convert-config "),
    ],
)
def test_says_where_and_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        section(path, "stage", Anything)
    assert message in str(error.value)
    assert str(error.value).startswith(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: there is no such file"):
        section(tmp_path / "none.yaml", "stage", Anything)


def test_each_stage_has_a_section() -> None:
    assert set(stages.ALL) <= set(SECTIONS)


@pytest.mark.parametrize("text", ["", "stage: {}", "stage:"])
def test_a_section_whose_settings_have_defaults_may_be_missing(tmp_path: Path, text: str) -> None:
    assert section(written(tmp_path, text), "stage", Shapes) == Shapes()


def test_a_name_stands_for_a_member_with_its_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, "stage: {one: circle, several: {sun: circle}}")
    found = section(path, "stage", Shapes)
    assert found.one == Circle.Config()
    assert found.several == (Circle.Config(name="sun"),)
    assert found.model_dump(exclude_unset=True)["one"] == {"type": "circle"}


def test_auto_is_said_and_seen(tmp_path: Path) -> None:
    text = "{chosen: auto, steps: {size: auto, word: auto}}"
    found = section(written(tmp_path, f"stage: {text}"), "stage", Shapes)
    assert found.chosen == found.steps.size == found.steps.word == "auto"
    assert without_auto(found.model_dump(exclude_unset=True)) == {}
    validator = jsonschema.Draft202012Validator(Shapes.model_json_schema())
    validator.validate(parse_yaml(text, ""))
    assert not validator.is_valid({"steps": {"size": "atuo"}})
    assert not validator.is_valid({"chosen": "atuo"})


def test_what_is_by_name_is_read_as_it_was_written(tmp_path: Path) -> None:
    text = "{several: {b: {type: square, width: 2}, a: {type: circle, colors: [red]}}}"
    found = section(written(tmp_path, f"stage: {text}"), "stage", Shapes)
    assert [each.name for each in found.several] == ["b", "a"]
    dumped = found.model_dump(mode="json", exclude_unset=True)
    assert dumped == parse_yaml(text, "")
    assert section(written(tmp_path, f"stage: {dumped}"), "stage", Shapes) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one: circl", "stage.one: there is no type 'circl'. Did you mean 'circle'?"),
        ("one: {type: circl}", "stage.one.type: there is no type 'circl'. Did you mean"),
        ("one: {colors: []}", "stage.one: there is no `type`"),
        ("one: 3", "stage.one: must be a mapping, got 3"),
        ("one: square", "stage.one: square has settings without a default: width. Write {type: "),
        ("one: {type: square, width: a}", "stage.one.width: must be a whole number, got 'a'"),
        ("one: {type: square, widht: 2}", "unknown setting 'widht'. Did you mean 'width'?"),
        ("chosen: circl", "stage.chosen: there is no type 'circl'. Did you mean 'circle'?"),
        ("chosen: {type: square, widht: 2}", "unknown setting 'widht'. Did you mean 'width'?"),
        ("steps: {size: 0}", "stage.steps.size: must be greater than 0, got 0"),
        ("steps: {size: atuo}", "stage.steps.size: must be a whole number, got 'atuo'"),
        ("steps: {sise: 1}", "stage.steps.sise: unknown setting 'sise'. Did you mean 'size'?"),
        ("several: {a: {type: circle, color: 1}}", "stage.several.a.color: unknown setting"),
        ("several: {a: {type: circle, name: b}}", "'a' has a setting `name`. Remove it"),
        ("several: {'': circle}", "must have at least 1 character"),
        ("several: circle", "stage.several: must be a mapping, got 'circle'"),
    ],
)
def test_says_what_is_wrong_with_members(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        section(written(tmp_path, f"stage: {{{text}}}"), "stage", Shapes)
    assert message in str(error.value)
    assert "<" not in str(error.value)


@pytest.mark.parametrize("name", [".x", "../x", "", "a b", "1a"])
def test_plugins_are_names_of_modules(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="is not the name of a module"):
        import_plugins(written(tmp_path, f"plugins: ['{name}']"))


def test_a_plugin_cannot_end_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(0)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="leaving ends the program when imported"):
        import_plugins(written(tmp_path, "plugins: [leaving]"))


@pytest.mark.parametrize("name", ["...yaml", "..yaml", ".yaml", ".hidden.yaml"])
def test_results_cannot_lie_outside_of_their_folder(name: str) -> None:
    with pytest.raises(ConfigError, match="Rename the file"):
        config_name(Path("configs") / name)
