"""A model file predicts in Node what it predicts in Python."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from example_model import HOSTILE, TABLE, example

from onward.serving.predictor import Predictor

PACKAGE = "onnxruntime-node@1.30.0"


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with onnxruntime for Node."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node is not here: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("node")
    # its install script only fetches what a GPU needs
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE]
    if subprocess.run(command, cwd=folder, capture_output=True, timeout=300).returncode:
        pytest.skip(f"npm cannot install {PACKAGE} here")
    return folder / "node_modules"


@pytest.mark.slow
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_node_predicts_the_same(tmp_path: Path, modules: Path, task: str) -> None:
    model = example(tmp_path / "model.onnx", task)
    table = pl.concat([TABLE, HOSTILE])
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps(table.to_dict(as_series=False)))

    done = subprocess.run(
        ["node", Path(__file__).with_name("predict.js"), model, rows],
        env={**os.environ, "NODE_PATH": str(modules)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )

    got, want = json.loads(done.stdout), Predictor(model)(table)
    assert got.keys() == want.keys()
    for name, array in want.items():
        if name == "label":
            assert got[name] == array.tolist()
        else:
            np.testing.assert_allclose(got[name], array.ravel(), rtol=1e-6, atol=1e-6)
