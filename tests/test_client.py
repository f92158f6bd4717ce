"""Clients for the server of a model, and a model repository for Triton."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import tritonclient.http as triton
from example_model import CLASSES, TABLE, example
from google.protobuf import text_format
from served import Server, serving
from typer.testing import CliRunner

from onward.__main__ import app
from onward.schema import Field, Schema, Target
from onward.serving.client_code import CLIENTS

TYPESCRIPT = "typescript@5.9"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    models = [example(folder / "income.onnx"), example(folder / "pay.onnx", "regression")]
    with serving(folder, *models, "--grace", "0") as server:
        yield server


def onward(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "onward", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize("name", ["income", "pay"])
def test_the_client_for_python_predicts(server: Server, tmp_path: Path, name: str) -> None:
    path = tmp_path / "client.py"
    path.write_text(onward("client", server.log.parent / f"{name}.onnx"))
    rows = TABLE.to_dicts()

    predictions = module(path).predict(f"http://{server.address}", rows)

    assert predictions == server.post(f"/models/{name}/predict", rows).json["predictions"]
    check = ["mypy", "--strict", "--config-file=", str(path)]
    done = subprocess.run([sys.executable, "-m", *check], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_client_sends_and_receives_several_values() -> None:
    fields = Field("at", "points", "float64[3]"), Field("image", "images", "uint8[4,4]")
    schema = Schema(fields, Target("y", "number"))
    python, typescript = (CLIENTS[name]("m", schema, {"value": 0, "q": 1}) for name in CLIENTS)
    assert '"at": list[float] | None,' in python
    assert '"image": list[list[float]] | None,' in python
    assert '"q": list[float],' in python
    assert '"image": number[][] | null;' in typescript
    assert "q: number[];" in typescript


def test_a_name_that_no_server_has_is_refused(server: Server) -> None:
    model = server.log.parent / "pay.onnx"
    with pytest.raises(subprocess.CalledProcessError) as refused:
        onward("client", model, "--name", 'x"y')
    assert refused.value.returncode == 2
    assert "only letters, digits" in refused.value.stderr


@pytest.mark.slow
def test_the_client_for_typescript_predicts(server: Server, tmp_path: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("npm is not here: apt-get install npm")
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", TYPESCRIPT]
    if subprocess.run(install, cwd=tmp_path, capture_output=True, timeout=300).returncode:
        pytest.skip(f"npm cannot install {TYPESCRIPT} here")
    client = onward("client", server.log.parent / "income.onnx", "--lang", "ts")
    row = TABLE.to_dicts()[0]
    use = (
        'import { predict, type Prediction } from "./client.mjs";\n'
        f'const [first]: Prediction[] = await predict("http://{server.address}",'
        f" [{json.dumps(row)}]);\n"
        'const label: "<=50K" | ">50K" = first.label;\n'
        "console.log(JSON.stringify(label));\n"
    )
    (tmp_path / "client.mts").write_text(client)
    (tmp_path / "use.mts").write_text(use)
    compiler = tmp_path / "node_modules" / ".bin" / "tsc"
    flags = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]

    subprocess.run([compiler, *flags, "use.mts"], cwd=tmp_path, check=True, timeout=120)
    done = subprocess.run(
        ["node", "use.mjs"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60
    )

    assert json.loads(done.stdout) in CLASSES


def test_triton_can_read_the_repository(tmp_path: Path) -> None:
    model = example(tmp_path / "in come.onnx")
    generated = Path(triton.__file__).parents[1] / "grpc" / "model_config_pb2.py"
    messages = module(generated)  # of Triton, without its package, which wants all of gRPC

    onward("export-triton", model, tmp_path / "repository")

    folder = tmp_path / "repository" / "in_come"
    text = (folder / "config.pbtxt").read_text()
    configuration = text_format.Parse(text, messages.ModelConfig())
    assert (folder / "1" / "model.onnx").read_bytes() == model.read_bytes()
    assert [tensor.name for tensor in configuration.input] == TABLE.columns
    assert [list(tensor.dims) for tensor in configuration.output] == [[-1], [-1, 2]]


def test_a_file_in_place_of_a_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["export-triton", "m.onnx", "file"])
    assert result.exit_code == 2
    assert "file: is a file, and the repository a folder. Name a folder" in result.stderr


def test_a_language_that_does_not_exist_is_named() -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["client", "model.onnx", "--lang", "go"])
    assert result.exit_code == 2
    assert "Invalid value for '--lang': 'go' is not one of 'python', 'ts'." in result.stderr
