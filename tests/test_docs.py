"""The documentation: its commands run, its pages are those of the classes, they build."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest
from finished_stages import finish

from onward.errors import OnwardError

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of each."""
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


def run(folder: Path, language: str, text: str) -> None:
    command = {"sh": ["sh", "-ec", text], "python": [sys.executable, "-c", text]}[language]
    tools = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **tools}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"


def test_the_tutorial_leads_to_a_prediction(tmp_path: Path) -> None:
    for language, text in blocks("tutorial.md"):
        run(tmp_path, language, text)


def test_what_the_page_on_extending_defines_passes_a_check(tmp_path: Path) -> None:
    parts = blocks("extend.md")
    [config] = [text for language, text in parts if language == "yaml"]
    (tmp_path / "config.yaml").write_text(config)
    code = [text for language, text in parts if language == "python"]
    (tmp_path / "mine.py").write_text("\n".join(code))
    rows = [f"{row * 0.239:.3f},{(row - 50) ** 2 / 9 + row % 7}" for row in range(100)]
    (tmp_path / "rides.csv").write_text("\n".join(["hour,minutes", *rows]))
    run(tmp_path, "sh", "python -m onward check config.yaml")
    assert len((tmp_path / "losses.txt").read_text().splitlines()) >= 2


def test_the_file_is_as_described(tmp_path: Path) -> None:
    finish(tmp_path / "c", "binary", numbers=["age"], classes=["no", "yes"])
    finish(tmp_path / "r", "regression")
    shutil.copy(tmp_path / "c/export/model.onnx", tmp_path)
    [(language, text)] = blocks("format.md")
    run(tmp_path, language, text)

    page = (DOCS / "format.md").read_text().splitlines()
    types = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(string)": "string"}
    for path in tmp_path.rglob("export/model.onnx"):
        for output in onnxruntime.InferenceSession(path).get_outputs():
            shape = ", ".join("classes" if size == 2 else size for size in output.shape)
            [line] = [row for row in page if row.startswith("|") and f"`{output.name}`" in row]
            assert f"| {types[output.type]} `({shape})`" in line


def test_the_page_of_families_is_of_these_classes(request: pytest.FixtureRequest) -> None:
    command = [
        sys.executable,
        str(ROOT / "scripts/document_families.py"),
    ]  # no classes of other tests
    wanted = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    page = DOCS / "families.md"
    if request.config.getoption("--update-golden"):
        page.write_text(wanted)
    assert page.read_text() == wanted, "if this change is meant: pytest --update-golden"


def test_each_exit_code_is_explained() -> None:
    page = (DOCS / "errors.md").read_text()
    codes = [OnwardError.exit_code, *(error.exit_code for error in OnwardError.__subclasses__())]
    assert [code for code in codes if f"\n| {code} |" not in page] == []


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = {path.stem for path in DOCS.glob("*.md")} - {"index"}
    assert pages <= {path.name for path in tmp_path.iterdir()}
