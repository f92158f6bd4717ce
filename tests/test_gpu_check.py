"""The checks for a GPU run dry on a CPU; one that hangs or fails does not stop the others."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "gpu_check.py"


@pytest.fixture(scope="module")
def runner() -> Any:
    spec = importlib.util.spec_from_file_location("gpu_check", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_check"] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("statement", "verdict", "found"),
    [
        ("""print('noise\\n{"ok": true, "a": 1}')""", "ok", "a: 1"),
        ("""print('{"ok": null, "a": 1}')""", "measured", "a: 1"),
        ("""print('{"ok": false, "a": "x|y"}')""", "failed", "a: x|y"),
        ("raise SystemExit(3)", "failed", "exit code 3"),
        ("import time; time.sleep(60)", "hung", "stopped after 1 s"),
    ],
)
def test_each_check_is_alone(runner: Any, statement: str, verdict: str, found: str) -> None:
    result = runner.run("name", [sys.executable, "-c", statement], 1)
    assert result.verdict == verdict
    assert found in result.found
    assert result.row.replace("\\|", "").count("|") == 5


def test_what_there_is_no_time_for_is_left_out(runner: Any) -> None:
    assert [result.verdict for result in runner.results(["machine", "bits"], 0)] == ["left out"] * 2


def test_a_check_runs_dry_into_a_table(tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    command = [sys.executable, str(SCRIPT), str(table), "--only", "machine"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert table.read_text() == done.stdout
    assert "| machine | ok |" in done.stdout


@pytest.mark.slow
def test_all_checks_run_dry(runner: Any) -> None:
    command = [sys.executable, str(SCRIPT), "--seconds", "1200"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("| ok |") + done.stdout.count("| measured |") == len(runner.NAMES)
