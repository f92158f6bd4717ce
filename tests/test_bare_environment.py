"""A model file needs numpy and onnxruntime; `pip install onward` adds a small command line."""

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
import pytest
from example_model import HOSTILE, TABLE, example

import onward
from onward.serving.model_file import seal
from onward.serving.predictor import Predictor

ROOT = Path(__file__).parents[1]
MEGABYTES, DISTRIBUTIONS = 200, 20  # what `pip install onward` may take, pip itself aside
CODE = """
import json, sys
from onward import Predictor

predictor = Predictor(sys.argv[1])
predictor.verify()
predictions = predictor(json.loads(sys.stdin.read()))
print(json.dumps({name: array.tolist() for name, array in predictions.items()}))
"""


def environment(folder: Path, wanted: Sequence[str]) -> Path:
    """The interpreter of a new environment with these packages."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    if subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted]).returncode:
        pytest.skip(f"pip cannot install {', '.join(wanted)} here")
    return python


def run(*words: str | Path) -> str:
    """What a program prints that knows nothing of this checkout."""
    done = subprocess.run(words, env={"PATH": ""}, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with numpy and onnxruntime, and not even onward."""
    wanted = [f"numpy=={np.__version__}", f"onnxruntime=={onnxruntime.__version__}"]
    return environment(tmp_path_factory.mktemp("bare"), wanted)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel of this checkout, without extras."""
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    if subprocess.run([sys.executable, *command]).returncode:
        pytest.skip("pip cannot build wheels here")
    pins = ["--constraint", str(ROOT / "scripts" / "constraints.txt")]
    wheels = map(str, folder.glob("*.whl"))
    return environment(tmp_path_factory.mktemp("installed"), [*pins, *wheels])


@pytest.mark.slow
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_bare_python_predicts_the_same(tmp_path: Path, python: Path, task: str) -> None:
    model = example(tmp_path / "model.onnx", task)
    table = pl.concat([TABLE, HOSTILE])

    done = subprocess.run(
        [python, "-c", CODE, model],
        input=json.dumps(table.to_dicts()),
        env={"PYTHONPATH": str(Path(onward.__file__).parents[1]), "PATH": ""},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )

    got, want = json.loads(done.stdout), Predictor(model)(table)
    assert got.keys() == want.keys()
    for name, array in want.items():
        if name == "label":
            assert got[name] == array.tolist()
        else:
            np.testing.assert_allclose(got[name], array, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_the_bare_environment_is_bare(python: Path) -> None:
    for absent in ("onnx", "polars", "torch", "pydantic", "typer"):
        assert subprocess.run([python, "-c", f"import {absent}"], capture_output=True).returncode
    assert python != Path(sys.executable)


@pytest.mark.slow
def test_the_base_package_is_small(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = """
import json, re, pathlib
from importlib.metadata import distributions
found = [dist for dist in distributions() if dist.name not in {"pip", "setuptools"}]
files = {file.locate().resolve() for dist in found for file in dist.files}
size = sum(path.stat().st_size for path in files if path.exists())
print(json.dumps([sorted(dist.name for dist in found), size]))
"""
    names, size = json.loads(run(installed, "-c", code))

    with capsys.disabled():
        sys.stdout.write(f"\n{size / 1e6:.0f} MB, {len(names)}: {', '.join(names)}\n")
    assert size <= MEGABYTES * 1e6
    assert len(names) <= DISTRIBUTIONS


@pytest.mark.slow
def test_the_base_package_does_what_an_app_needs(installed: Path, tmp_path: Path) -> None:
    model, row = example(tmp_path / "model.onnx"), TABLE.row(0, named=True)
    model.write_bytes(seal(model.read_bytes()))
    onward = installed.with_name("onward")

    assert run(onward, "--version") == run(
        installed, "-c", "import onward; print('onward', onward.__version__)"
    )
    assert "Predictor" in run(installed, "-c", "from onward import Predictor; print(Predictor)")
    assert run(onward, "verify", model).endswith(": ok\n")
    assert "workclass" in run(onward, "describe", model)
    prediction = json.loads(run(onward, "predict", model, "--row", json.dumps(row)))
    assert prediction["label"] == Predictor(model)([row])["label"][0]


@pytest.mark.slow
def test_the_base_package_says_what_a_command_needs(installed: Path, tmp_path: Path) -> None:
    model, table = example(tmp_path / "model.onnx"), tmp_path / "table.csv"
    TABLE.write_csv(table)
    command = [str(installed.with_name("onward")), "predict", str(model), str(table)]
    done = subprocess.run(command, env={}, cwd="/", capture_output=True, text=True)
    assert done.returncode == 78
    assert done.stderr == (
        "the library 'polars' is not installed. This command needs the extra 'tables':"
        " pip install 'onward[tables]'\n"
    )
