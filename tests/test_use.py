"""The snippets of docs/use run, and predict what `Predictor` predicts."""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from example_model import edit
from finished_stages import finish
from onnx import numpy_helper
from playwright.sync_api import sync_playwright
from served import serving

from onward import Predictor

USE = Path(__file__).parents[1] / "docs" / "use"
PACKAGES = ("onnxruntime-node@1.30.0", "onnxruntime-web@1.30.0")
ROWS = {"age": [39.0, None], "city": ["Köln", ""], "since": ["2024-05-01", ""]}


def snippet(page: str) -> str:
    found = re.search(r"^```\w+\n(.*?)^```", (USE / page).read_text("utf-8"), re.M | re.S)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    finish(folder / "c", "binary", numbers=["age"], classes=["no", "yes"])
    path = folder / "c" / "export" / "model.onnx"
    predictions = {name: array.tolist() for name, array in Predictor(path)(ROWS).items()}
    edit(path, {"replay": json.dumps({"rows": ROWS, "predictions": predictions})})
    return path


@pytest.fixture(scope="module")
def labels(model: Path) -> list[str]:
    return [str(label) for label in Predictor(model)(ROWS)["label"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """The model beside the packages of npm."""
    folder = tmp_path_factory.mktemp("node")
    if not shutil.which("npm"):
        pytest.skip("npm is not here: apt-get install npm")
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", *PACKAGES]
    if subprocess.run(install, cwd=folder, capture_output=True, timeout=400).returncode:
        pytest.skip(f"npm cannot install {PACKAGES} here")
    shutil.copy(model, folder)
    return folder


def run(command: list[Any], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_python_without_onward(model: Path, labels: list[str]) -> None:
    code = snippet("python.md")

    done = run([sys.executable, "-I", "-c", code], model.parent)

    assert re.findall("'(no|yes)'", done.stdout) == labels, done.stderr
    assert "onward" not in code


def test_curl(model: Path, labels: list[str], tmp_path: Path) -> None:
    with serving(tmp_path, model, "--grace", "0") as server:
        done = run(
            ["sh", "-c", snippet("curl.md").replace("localhost:8080", server.address)], tmp_path
        )

    assert json.loads(done.stdout)["predictions"][0]["label"] == labels[0]


@pytest.mark.slow
def test_node(folder: Path, labels: list[str]) -> None:
    (folder / "use.mjs").write_text(snippet("node.md"))

    done = run(["node", "use.mjs"], folder)

    assert re.findall("'(no|yes)'", done.stdout.partition("]")[0]) == labels, done.stderr


@pytest.mark.slow
def test_verify_for_node_replays_the_rows(folder: Path) -> None:
    shutil.copy(USE / "verify.mjs", folder)
    changed = onnx.load(folder / "model.onnx")
    for weight in changed.graph.initializer:
        if weight.dims and weight.data_type == onnx.TensorProto.FLOAT:
            weight.CopyFrom(
                numpy_helper.from_array(1.5 * numpy_helper.to_array(weight), weight.name)
            )
    onnx.save(changed, folder / "changed.onnx")

    good, bad = (
        run(["node", "verify.mjs", name], folder) for name in ("model.onnx", "changed.onnx")
    )

    assert good.returncode == 0, good.stderr
    assert good.stdout.endswith(": ok\n")
    assert bad.returncode == 1
    assert "differs" in bad.stdout
    for name, reason in (
        ("none.onnx", "no such file"),
        ("verify.mjs", "not a model file of onward"),
    ):
        done = run(["node", "verify.mjs", name], folder)
        assert done.returncode == 2
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """Of a server of files, which browsers need."""
    dist = folder / "node_modules" / "onnxruntime-web" / "dist"
    shutil.copytree(dist, folder, dirs_exist_ok=True)
    (folder / "index.html").write_text(snippet("browser.md"))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=os.fspath(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.slow
def test_a_browser(address: str, labels: list[str]) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function("document.querySelector('output').textContent")
        text = page.inner_text("output")
        browser.close()

    assert text == ",".join(labels)


def test_pages_whose_columns_are_made_up_say_so() -> None:
    pages = {page.name: page.read_text("utf-8") for page in USE.glob("*.md")}
    made_up = [name for name, text in pages.items() if "Köln" in text]
    assert {"python.md", "node.md", "curl.md"} <= {*made_up}
    assert [
        name for name in made_up if "are placeholders: [put in the columns" not in pages[name]
    ] == []


def test_what_is_not_run_says_so() -> None:
    for page in ("csharp.md", "java.md"):
        assert "**Not tested.**" in (USE / page).read_text("utf-8")
