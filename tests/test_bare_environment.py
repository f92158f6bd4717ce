"""A model file needs numpy and onnxruntime, and nothing else."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
import pytest
from example_model import HOSTILE, TABLE, example

import onward
from onward.serving.predictor import Predictor

CODE = """
import json, sys
from onward import Predictor

predictor = Predictor(sys.argv[1])
predictor.verify()
predictions = predictor(json.loads(sys.stdin.read()))
print(json.dumps({name: array.tolist() for name, array in predictions.items()}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with numpy and onnxruntime, and not even onward."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    wanted = [f"numpy=={np.__version__}", f"onnxruntime=={onnxruntime.__version__}"]
    command = ["-m", "pip", "install", "--quiet", *wanted]
    if subprocess.run([python, *command], timeout=300).returncode:
        pytest.skip("pip cannot install numpy and onnxruntime here")
    return python


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
