"""The JSON Schema of configs: it is of these classes, and says of configs what we say."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from bad_inputs import CONFIG, TABLE, WRONG_CONFIGS
from forked import printed
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from typer.testing import CliRunner

from onward.__main__ import app
from onward.errors import ConfigError

ROOT = Path(__file__).parents[1]
FILE = ROOT / "src/onward/cli/_schema.json"
LATER = "train: {}\nexport: {}\nevaluate: {}\nreport: {}\n"
ONLY_OURS = ("occurs twice", "is the target", "must be below 1", "two or more", "no such file")
"""What no schema can see."""


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(YAML(typ="safe").load(FILE))
    return jsonschema.Draft202012Validator(YAML(typ="safe").load(FILE))


def test_the_file_is_of_these_classes(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    # a process of its own has no classes of other tests
    wanted = printed(tmp_path / "printed.json", ROOT / "src/onward/__main__.py", "schema")
    if request.config.getoption("--update-golden"):
        FILE.write_text(wanted)
    assert FILE.read_text() == wanted, "if this change is meant: pytest --update-golden"


def test_the_config_of_the_package_is_valid_and_names_the_schema(
    validator: jsonschema.Draft202012Validator,
) -> None:
    config = ROOT / "configs/kernels.yaml"
    validator.validate(YAML(typ="safe").load(config))
    place = config.read_text().splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (config.parent / place).samefile(FILE)


def test_init_writes_a_valid_config_and_the_schema_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, validator: jsonschema.Draft202012Validator
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "pay.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path / "project")
    CliRunner().invoke(app, ["init", "../pay.csv", "--target", "pay"])
    config = Path("configs/pay.yaml").read_text()
    assert config.startswith("# yaml-language-server: $schema=schema.json\n")
    assert Path("configs/schema.json").read_text() == FILE.read_text()
    validator.validate(YAML(typ="safe").load(config))


def wrong_configs() -> Iterator[tuple[Any, str]]:
    for old, new, message in WRONG_CONFIGS:
        try:
            yield YAML(typ="safe").load(CONFIG.replace(old, new, 1) + LATER), message
        except YAMLError:
            continue


@pytest.mark.parametrize(("config", "message"), list(wrong_configs()))
def test_wrong_configs_are_seen(
    config: Any, message: str, validator: jsonschema.Draft202012Validator
) -> None:
    assert validator.is_valid(config) == any(part in message for part in ONLY_OURS)


def test_a_member_needs_its_type(validator: jsonschema.Draft202012Validator) -> None:
    config = YAML(typ="safe").load(CONFIG + LATER)
    validator.validate(config)
    config["prepare"]["split"] = {"name": "part"}
    assert not validator.is_valid(config)


def test_plugins_are_imported_for_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("plugins: [no_such_module]\n")
    done = CliRunner().invoke(app, ["schema", str(tmp_path / "config.yaml")])
    assert isinstance(done.exception, ConfigError)
    assert "no_such_module" in str(done.exception)


@pytest.mark.slow
def test_classes_of_plugins_are_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from typing import Literal\n"
        "from onward.preprocessing.columns.categorical import Categorical\n"
        "class Town(Categorical):\n"
        "    class Config(Categorical.Config):\n"
        "        type: Literal['town'] = 'town'\n"
    )
    (tmp_path / "config.yaml").write_text("plugins: [mine]\n")
    command = [sys.executable, "-m", "onward", "schema", "config.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    document = YAML(typ="safe").load(done.stdout)
    settings = document["properties"]["prepare"]["$ref"].rpartition("/")[2]
    of_columns = document["$defs"][settings]["properties"]["columns"]
    assert "town" in str(of_columns["additionalProperties"])
    assert "town" not in FILE.read_text()
