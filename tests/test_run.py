"""scripts/run.py: the environment has what a command needs, and is made once."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run", ROOT / "scripts" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("command", "is_tool"),
    [
        ("pytest -n logical", True),
        ("scripts/check", True),
        ("python -m mypy", True),
        ("mkdocs serve", True),
        ("dvc repro", False),
        ("onward check configs/kernels.yaml", False),
        ("python benchmarks/resume.py", False),
        ("python -m", False),
    ],
)
def test_tools_of_development_need_their_group(
    script: ModuleType, command: str, is_tool: bool
) -> None:
    assert script.parts_for(command.split()) == ["train", "dev"][: 1 + is_tool]


def test_each_tool_of_the_checks_is_known(script: ModuleType) -> None:
    lines = (ROOT / "scripts" / "check").read_text().splitlines()
    tools = {line.split()[0] for line in lines if line and not line.startswith(("#", "set "))}
    assert tools <= script.TOOLS


@pytest.mark.slow
def test_the_tools_are_added_to_an_environment_and_stay(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    for name in files.stdout.splitlines():
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    hidden = {"PYTHONPATH", "VIRTUAL_ENV"}
    environment = {key: value for key, value in os.environ.items() if key not in hidden}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(clone / "scripts" / "run.py"), *words]
        return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)

    first = run("onward", "--version")
    made = (clone / ".venv" / "pyvenv.cfg").stat()
    tool, again, last = (
        run("pytest", "--version"),
        run("dvc", "--version"),
        run("ruff", "--version"),
    )

    assert [first.returncode, tool.returncode, again.returncode, last.returncode] == [0, 0, 0, 0]
    assert "installing train" in first.stderr
    assert "installing dev" in tool.stderr
    assert "torch" not in tool.stderr  # the same one stays
    assert again.stderr == last.stderr == ""
    assert (clone / ".venv" / "pyvenv.cfg").stat().st_mtime_ns == made.st_mtime_ns
