"""Nothing that starts with onward reports its use to anyone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from example_model import example

# where one of these is set, onnxruntime reports nothing anyway
SILENT = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS")
USES = {
    "the interface": ["-c", "import sys, onward; onward.Predictor(sys.argv[-1]).verify()"],
    "a command": ["-m", "onward", "verify"],
    "the server": ["-c", "import onward.serving.server.served_model, onnxruntime"],
}


@pytest.mark.parametrize("use", USES)
def test_onnxruntime_leaves_no_identifier_of_the_machine(tmp_path: Path, use: str) -> None:
    model, home = example(tmp_path / "kernels.onnx"), tmp_path / "home"
    home.mkdir()
    usual = {name: value for name, value in os.environ.items() if name not in SILENT}
    environment = {**usual, "HOME": str(home), "XDG_CACHE_HOME": str(home)}

    subprocess.run([sys.executable, *USES[use], model], env=environment, check=True)

    assert [*home.rglob("*onnxruntime*")] == []


def test_who_wants_the_reports_can_have_them() -> None:
    code = "import os, onward; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "0"}

    done = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)

    assert done.stdout == b"0\n"
