"""Config files are read strictly, and as DVC reads them."""

from pathlib import Path

import pytest
from dvc.utils.serialize import parse_yaml

from onward.errors import ConfigError
from onward.settings.config import section
from onward.settings.family import Settings


class Anything(Settings):
    value: int | float


@pytest.mark.parametrize("text", ["1e-3", "010", "1_000", ".5"])
def test_reads_numbers_as_dvc_does(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"stage: {{value: {text}}}")
    ours = section(path, "stage", Anything).value
    assert ours == parse_yaml(path.read_text(), path)["stage"]["value"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "stage: {value: 1, valeu: 2}",
            "stage.valeu: there is no setting 'valeu'. Did you mean 'value'?",
        ),
        ("stage: {value: yes}", "stage.value.int: Input should be a valid integer, got 'yes'"),
        ("stag: {value: 1}", "there is no section 'stage'. Did you mean 'stag'? Correct"),
        ("", "there is no section 'stage'. There are none at all. Add"),
        ("stage: {value: ]", "this is no YAML"),
        ("- stage", "a config is sections by name; found list"),
    ],
)
def test_says_where_and_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        section(path, "stage", Anything)
    assert message in str(error.value)
    assert str(error.value).startswith(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: there is no such file"):
        section(tmp_path / "none.yaml", "stage", Anything)
