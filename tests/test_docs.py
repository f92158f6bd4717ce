"""The documentation: its commands run, its pages are those of the classes, they build."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnxruntime
import pytest
from dvc.schema import COMPILED_SINGLE_STAGE_SCHEMA
from finished_stages import finish
from forked import printed
from ruamel.yaml import YAML

from onward.cli._promotion import EXIT_CODES
from onward.cli.monitor import ALARM
from onward.cli.reproduce import DIFFERS
from onward.errors import OnwardError
from onward.settings.config import section
from onward.stages import prepare

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of each."""
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


def run(folder: Path, language: str, text: str) -> str:
    """What it prints."""
    command = {"sh": ["sh", "-ec", text], "python": [sys.executable, "-c", text]}[language]
    tools = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **tools},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}"
    return done.stdout


def without_figures(text: str) -> str:
    """Figures and widths differ from machine to machine."""
    return " ".join(re.sub(r"\d[\d.,e-]*", "0", text).split())


def follow(page: str, folder: Path, configs: Sequence[str] = ()) -> None:
    """Run the blocks of a page in their order; what one prints contains the ``text`` after it."""
    names, printed = iter(configs), ""
    for language, text in blocks(page):
        if language == "yaml":
            (folder / next(names)).write_text(text, encoding="utf-8")
        elif language == "text":
            assert without_figures(text) in without_figures(printed), printed
        else:
            printed = run(folder, language, text)
            for moved in re.findall(r"^cd (.+)$", text, re.MULTILINE):  # one terminal runs them all
                folder /= moved


@pytest.mark.slow
def test_the_tutorial_leads_to_a_prediction(tmp_path: Path) -> None:
    follow("tutorial.md", tmp_path)


def test_derived_columns_are_suggested_and_used_as_the_page_says(tmp_path: Path) -> None:
    follow("features.md", tmp_path, ["trips.yaml", "speeds.yaml"])


REST = {
    "source": {"type": "csv", "path": "t.csv"},
    "split": {"type": "random"},
    "target": {"name": "y", "kind": "number"},
    "columns": {"x": "numerical"},
}


def test_the_configs_on_sources_and_splits_are_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    yaml = YAML(typ="safe")
    shown = [text for page in ("sources.md", "splits.md") for _, text in blocks(page)]
    parts = [yaml.load(text)["prepare"] for text in shown if text.startswith("prepare:")]
    split = (DOCS / "splits.md").read_text(encoding="utf-8")
    parts += [{"split": yaml.load(text)} for text in re.findall(r"`(\{type: .+?\})`", split)]
    assert len(parts) > 8
    for part in parts:
        path.write_text(json.dumps({"prepare": {**REST, **part}}))
        section(path, "prepare", prepare.Settings)


def test_the_imports_on_sources_are_read_by_dvc_with_extras_that_exist() -> None:
    shown = [text for _, text in blocks("sources.md") if text.startswith("deps:")]
    imports = [YAML(typ="safe").load(text) for text in shown]
    for each in imports:
        COMPILED_SINGLE_STAGE_SCHEMA(each)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    kinds = {each["deps"][0]["path"].partition(":")[0] for each in imports}
    assert kinds - {"https", "remote"} == {"azure", "gs", "s3", "ssh"}
    assert kinds - {"https", "remote"} <= {*extras["optional-dependencies"]}


@pytest.mark.slow
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


def test_the_page_of_families_is_of_these_classes(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # a process of its own has no classes of other tests
    wanted = printed(tmp_path / "families.md", ROOT / "scripts/document_families.py")
    page = DOCS / "families.md"
    if request.config.getoption("--update-golden"):
        page.write_text(wanted)
    assert page.read_text() == wanted, "if this change is meant: pytest --update-golden"


def test_the_readme_names_all_types_stages_and_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    types = re.findall("^### (`.+`)$", (DOCS / "families.md").read_text(), re.MULTILINE)
    files = [ROOT / "src/onward" / name for name in ("cli", "stages")]
    names = [path.stem.replace("_", "-") for folder in files for path in folder.glob("[a-z]*.py")]
    assert [name for name in types if name not in readme] == []
    tables = "\n".join(line for line in readme.splitlines() if line.startswith("|"))
    assert [name for name in names if not re.search(rf"\| {name} \||`{name}`", tables)] == []
    assert len(readme.splitlines()) < 260


def test_each_exit_code_is_explained() -> None:
    page = (DOCS / "errors.md").read_text()
    codes = [OnwardError.exit_code, *(error.exit_code for error in OnwardError.__subclasses__())]
    codes += [ALARM, DIFFERS, *EXIT_CODES.values()]
    assert [code for code in codes if f"\n| {code} |" not in page] == []


def without_values(node: ast.AST) -> str:
    """A text of the code, with … for what is put in when it runs."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(without_values, node.values))
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "…"


def messages() -> Iterator[tuple[str, int | None]]:
    """The texts in the code, each with the exit code of the error that it is raised with."""
    errors = {each.__name__: each.exit_code for each in OnwardError.__subclasses__()}
    for path in (ROOT / "src/onward").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr | ast.Constant):
                yield without_values(node), None
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                for text in node.args[:1]:
                    yield without_values(text), errors.get(node.func.id)


def test_each_message_that_is_explained_is_one_of_the_code() -> None:
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    said = re.findall(r'^\*\*"(.+)"\*\* \((\d+)\)$', page, re.MULTILINE)
    there = list(messages())
    assert len(said) > 20
    for message, code in said:
        codes = {found for text, found in there if message in text}
        assert codes, f"no message in the code has {message!r}"
        assert codes - {None} <= {int(code)}, message


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = {path.stem for path in DOCS.glob("*.md")} - {"index"}
    assert pages <= {path.name for path in tmp_path.iterdir()}
