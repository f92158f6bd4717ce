"""Commands without the libraries that they need; commands that need few."""

import subprocess
import sys
from pathlib import Path

import pytest
from example_model import TABLE, example

from onward.cli._extras import require_extra
from onward.errors import ExtraError
from onward.stages import ALL

LIBRARIES = ("dvc", "lightning", "onnx", "polars", "ruamel", "scipy", "sklearn", "torch")
WITHOUT = f"""
import sys
sys.modules.update(dict.fromkeys({LIBRARIES}))  # as if none of them were installed
from onward.__main__ import main
main()
"""
COMMANDS = {stage: ["config.yaml"] for stage in ALL} | {
    "check": ["config.yaml"],
    "collect": ["config.yaml"],
    "init": ["table.csv", "--target", "pay"],
    "launch": ["slurm", "config.yaml"],
    "suggest": ["config.yaml"],
    "validate": ["config.yaml"],
}


def run_without_libraries(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_names_the_extra_that_it_needs(tmp_path: Path, command: str) -> None:
    TABLE.write_csv(tmp_path / "table.csv")
    (tmp_path / "config.yaml").write_text("{}")
    done = run_without_libraries(tmp_path, command, *COMMANDS[command])
    assert done.returncode == 78
    assert done.stderr.endswith("needs the extra 'train': pip install 'onward[train]'\n")
    assert done.stderr.count("\n") == 1


def test_predicting_a_table_needs_the_extra_for_tables(tmp_path: Path) -> None:
    example(tmp_path / "model.onnx")
    TABLE.write_csv(tmp_path / "table.csv")
    done = run_without_libraries(tmp_path, "predict", "model.onnx", "table.csv")
    assert done.returncode == 78
    assert done.stderr.endswith("needs the extra 'tables': pip install 'onward[tables]'\n")


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "model.onnx"],
        ["describe", "model.onnx"],
        ["predict", "model.onnx", "--row", "{}"],
    ],
)
def test_using_a_file_needs_no_extra(tmp_path: Path, words: list[str]) -> None:
    example(tmp_path / "model.onnx")
    done = run_without_libraries(tmp_path, *words)
    assert "extra" not in done.stderr
    assert done.returncode == (65 if "--row" in words else 0)  # the row lacks all columns


def test_help_loads_no_library_of_tables_or_training(tmp_path: Path) -> None:
    heavy = (*LIBRARIES, "numpy", "onnxruntime", "pydantic")
    code = f"""
import sys
from onward.__main__ import app
app(["--help"], standalone_mode=False)
assert not sys.modules.keys() & set({heavy}), sys.modules.keys() & set({heavy})
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_module_of_ours_that_is_missing_is_a_bug() -> None:
    with pytest.raises(ModuleNotFoundError), require_extra("train"):
        __import__("onward.nowhere")
    with pytest.raises(ExtraError, match="'nowhere' is not installed"), require_extra("train"):
        __import__("nowhere.at_all")
