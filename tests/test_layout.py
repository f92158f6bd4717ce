"""Where files are, and how long they may be. What may import what is in pyproject.toml."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "onward"
FACES = {"arrow.py", "extend.py"}
VOCABULARY = 6  # files at the top that every package may import
FILE, FUNCTION = 400, 40  # lines
LAYERS = 12


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_the_top_has_folders_a_few_words_and_the_public_faces() -> None:
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert len(files - FACES - {"__init__.py", "__main__.py", "py.typed"}) <= VOCABULARY


def test_no_file_is_long() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert not {str(path): count for path, count in lines.items() if count > FILE}


def test_no_function_is_long() -> None:
    lines = {
        f"{path}: {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path in modules()
        for function in functions(path)
    }
    assert not {name: count for name, count in lines.items() if count > FUNCTION}


def test_layers_are_few() -> None:
    project = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    assert len(layers) <= LAYERS


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("onward")


def test_packages_side_by_side_have_no_cycle(imports: grimp.ImportGraph) -> None:
    for package in ["onward", *imports.find_descendants("onward")]:
        children = imports.find_children(package)
        used = {child: siblings(imports, child, children) for child in children}
        tuple(TopologicalSorter(used).static_order())  # raises CycleError, which names them


def siblings(imports: grimp.ImportGraph, child: str, children: set[str]) -> set[str]:
    """The modules beside ``child`` that anything in it imports."""
    modules = {child, *imports.find_descendants(child)}
    used = set[str]().union(*map(imports.find_modules_directly_imported_by, modules))
    depth = child.count(".") + 1
    return {".".join(name.split(".")[:depth]) for name in used} & children - {child}


@pytest.mark.slow
def test_no_lines_are_written_twice() -> None:
    options = ["--disable=all", "--enable=duplicate-code", "--min-similarity-lines=6"]
    command = [sys.executable, "-m", "pylint", *options, str(PACKAGE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
