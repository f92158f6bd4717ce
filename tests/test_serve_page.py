"""The page of a server in a browser, its snippets, and its OpenAPI document."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from example_model import edit, example
from jsonschema import Draft202012Validator
from playwright.sync_api import Browser, sync_playwright
from served import Server, serving

from onward.serving.server.page import page
from onward.serving.server.served_model import ServedModel

CHROMIUM = shutil.which("chromium")
NODE = shutil.which("node")
HOSTILE = '</script><img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    models = [example(folder / "income.onnx"), example(folder / "pay.onnx", "regression")]
    with serving(folder, *models, "--grace", "0") as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/", "pay is predicted to be <=50K (probability"),
        ("/models/pay", "pay is predicted to be "),
    ],
)
def test_the_form_predicts(
    server: Server, browser: Browser, width: int, path: str, sentence: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: complaints.extend([request.url] * (server.address not in request.url)),
    )

    page.goto(f"http://{server.address}{path}")
    page.fill("input[name=age]", "39")
    page.click("button")
    page.wait_for_selector("#result:not([hidden])")

    assert page.inner_text("#result").startswith(sentence)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert complaints == []


@pytest.mark.parametrize(
    ("low", "high", "hint"),
    [
        (1990.0, 2026.0, "1990 to 2026 in training"),  # years
        (-0.25, 12_345.678, "-0.25 to 12,345.7 in training"),
        (16.0, 84_512_801.0, "16 to 84,512,801 in training"),
        (0.00001, 999_999.7, "1e-05 to 1,000,000 in training"),
        (0.0, 1e300, "0 to 1e+300 in training"),
    ],
)
def test_the_form_has_the_range_of_a_number(
    tmp_path: Path, low: float, high: float, hint: str
) -> None:
    path = example(tmp_path / "income.onnx")
    edit(path, {"reference": json.dumps({"columns": {"age": {"min": low, "max": high}}})})
    model = ServedModel("income", path)

    text = page(model, [model], "", has_token=False).body.decode()

    assert f"<small>{hint}</small>" in text


@pytest.mark.slow
def test_a_hostile_model_cannot_run_code(tmp_path: Path, browser: Browser) -> None:
    model = example(tmp_path / "income.onnx")
    note = {"missing": 0.0, "values": [HOSTILE], "shares": [1.0], "other": 0.0}
    edit(model, {"reference": json.dumps({"columns": {"workclass": note}})})

    with serving(tmp_path, model, "--grace", "0") as server:
        text = server.get("/").body.decode()
        page = browser.new_page()
        page.goto(f"http://{server.address}/")
        page.evaluate(f"document.querySelector('main').innerHTML += {json.dumps(HOSTILE)}")
        page.wait_for_timeout(200)

        assert HOSTILE not in text
        assert page.title() == "Predict pay"  # the page's policy forbids what slips through


def snippets(server: Server, browser: Browser) -> list[str]:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"http://{server.address}/")
    return [element.inner_text() for element in page.query_selector_all("pre")]


@pytest.mark.slow
def test_the_snippets_run(server: Server, browser: Browser, tmp_path: Path) -> None:
    curl, python, javascript = snippets(server, browser)
    (tmp_path / "ask.mjs").write_text(javascript)
    commands = [["sh", "-c", curl], [sys.executable, "-c", python]]
    commands += [[NODE, str(tmp_path / "ask.mjs")]] if NODE else []

    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ)
        assert "probabilities" in done.stdout, done.stderr


def test_the_openapi_document_describes_what_is_sent(server: Server) -> None:
    document = server.get("/openapi.json").json
    post = document["paths"]["/predict"]["post"]
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    answer = post["responses"]["200"]["content"]["application/json"]["schema"]
    [rows] = schema["examples"]

    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(rows)
    Draft202012Validator(answer).validate(server.post("/predict", rows).json)
    assert document["paths"].keys() >= {"/models/pay/predict", "/v2/models/income/infer"}


@pytest.mark.slow
def test_schemathesis_finds_nothing(server: Server) -> None:
    command = [
        str(Path(sys.executable).with_name("st")),
        "run",
        "--max-examples",
        "50",
        "--no-color",
    ]
    command += ["--generation-deterministic", f"http://{server.address}/openapi.json"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=550)

    assert done.returncode == 0, done.stdout
