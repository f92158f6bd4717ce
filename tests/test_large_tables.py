"""A table that is larger than the memory a process may have is prepared all the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

LIMIT = 2 << 30  # bytes of address space: 2 GiB, of which libraries take the most
SIZE = 5 << 29  # bytes: 2.5 GiB
LIMITED = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({LIMIT}, {LIMIT}))"
CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: pay, kind: number}
  split: {type: random, validation: 0.15, test: 0.15}
  columns:
    age: {type: numerical}
    town: {type: categorical}
"""
PREPARE = """\
import sys
from onward.__main__ import main
sys.argv[1:] = ["prepare", "config.yaml"]
main()
"""
WHOLE = 'import polars; polars.read_csv("table.csv", rechunk=True)'


def limited(folder: Path, code: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", LIMITED + "\n" + code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def write_table(path: Path) -> int:
    """A column that no model reads makes the rows long; the number of rows."""
    note = "note " * 200
    lines = [f"{row % 97},town {row % 31},{row % 89},{note}\n" for row in range(1000)]
    block = "".join(lines).encode()
    blocks = SIZE // len(block) + 1
    with path.open("wb") as file:
        file.write(b"age,town,pay,note\n")
        for _ in range(blocks):
            file.write(block)
    return blocks * len(lines)


def test_a_csv_file_larger_than_the_memory_is_prepared(tmp_path: Path) -> None:
    rows = write_table(tmp_path / "table.csv")
    (tmp_path / "config.yaml").write_text(CONFIG)

    done = limited(tmp_path, PREPARE)

    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "artifacts/config/prepare/data.json").read_text())
    assert sum(report["rows"].values()) == rows
    assert limited(tmp_path, WHOLE).returncode != 0, "the limit limits nothing"
    (tmp_path / "table.csv").unlink()
