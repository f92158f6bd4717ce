"""`onward.extend` is what plug-ins import: a name that goes or moves breaks somebody's package."""

import subprocess
import sys

import onward.extend

NAMES = (
    "Block",
    "Card",
    "Chart",
    "Check",
    "ClassTask",
    "Column",
    "Derivation",
    "Embedder",
    "Encoded",
    "Graph",
    "Head",
    "Metric",
    "Model",
    "NumberTask",
    "Observer",
    "Rule",
    "Source",
    "Split",
    "Task",
    "Value",
    "categorical",
    "numerical",
)


def test_the_names_are_those_of_the_last_version() -> None:
    assert onward.extend.__all__ == NAMES


def test_each_name_is_there() -> None:
    assert all(getattr(onward.extend, name) is not None for name in NAMES)


def test_columns_and_tasks_of_a_plugin_do_not_load_torch() -> None:
    code = "import sys; from onward.extend import Column, Task; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
