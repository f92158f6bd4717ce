"""What docs/deploy.md shows is valid, and its container starts a server."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from example_model import example
from ruamel.yaml import YAML
from served import serving

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
VERSIONS = ("1.29", "1.33")
BASE = "docker.io/library/python:3.13-slim"


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def documents() -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all(block("yaml")))


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_key(version: str) -> None:
    for document in documents():
        kubernetes_validate.validate(document, version, strict=True)


def test_probes_and_ports_are_those_of_the_server(tmp_path: Path) -> None:
    [container] = documents()[0]["spec"]["template"]["spec"]["containers"]
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", block("dockerfile"), re.MULTILINE)[1])  # type: ignore[index]
    model = example(tmp_path / "kernels.onnx")
    options = [*entry[3:], *container["args"], "--grace", "0"]

    with serving(tmp_path, model, *options, env={**os.environ, "ONWARD_TOKEN": "x"}) as server:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert server.get(container[probe]["httpGet"]["path"]).status == 200

    assert entry[:2] == ["onward", "serve"]
    assert f"EXPOSE {container['ports'][0]['containerPort']}" in block("dockerfile")


def test_a_pod_has_time_to_end() -> None:
    pod = documents()[0]["spec"]["template"]["spec"]
    [container] = pod["containers"]

    grace = float(container["args"][1])
    period = container["readinessProbe"]["periodSeconds"]
    assert pod["terminationGracePeriodSeconds"] > grace > 5 * period


@pytest.mark.slow
def test_the_image_is_built(tmp_path: Path) -> None:
    buildah = shutil.which("buildah")
    if buildah is None:
        pytest.skip("buildah is not here: apt-get install buildah")
    if subprocess.run([buildah, "pull", BASE], timeout=120).returncode:
        pytest.skip(f"buildah cannot pull {BASE} here")
    folder = tmp_path / "artifacts" / "kernels" / "export"
    folder.mkdir(parents=True)
    example(folder / "model.onnx")
    shutil.copytree(ROOT / "src", tmp_path / "onward" / "src")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "onward")
    recipe = block("dockerfile").replace(
        'RUN pip install --no-cache-dir "onward[serve]"',
        'COPY onward /onward\nRUN pip install --no-cache-dir "/onward[serve]"',
    )
    (tmp_path / "Dockerfile").write_text(recipe)

    done = subprocess.run([buildah, "build", "-t", "onward-test", str(tmp_path)], timeout=550)

    assert done.returncode == 0
