"""The recipes of docs/use/batch.md predict what `onward predict` predicts.

Spark and Ray have to be installed, and Spark needs a JVM:

    uv pip install --group engines
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from finished_stages import finish
from polars.testing import assert_frame_equal
from test_commands import run

PAGE = Path(__file__).parents[1] / "docs" / "use" / "batch.md"
ENGINES = "engines are not installed: uv pip install --group engines"
LOCAL = {
    "SPARK_LOCAL_IP": "127.0.0.1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "PYTHONWARNINGS": "ignore",
}
CITIES = ("Köln", "Bonn", "", None, "Rome")


def recipe(title: str) -> str:
    text = PAGE.read_text("utf-8")
    section = text[text.index(f"## {title}\n") :]
    return str(re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model beside a table in two files, and what `onward predict` makes of it."""
    folder = tmp_path_factory.mktemp("batch")
    finish(folder / "c", "binary", numbers=["age"], classes=["no", "yes"])
    shutil.copy(folder / "c" / "export" / "model.onnx", folder)
    (folder / "rows").mkdir()
    for part in range(2):
        pl.DataFrame(
            {
                "id": range(3_000 * part, 3_000 * (part + 1)),
                "age": [None if row % 7 == 0 else row / 40 for row in range(3_000)],
                "city": [CITIES[row % len(CITIES)] for row in range(3_000)],
                "since": [f"2024-05-{row % 28 + 1:02}" for row in range(3_000)],
            }
        ).write_parquet(folder / "rows" / f"{part}.parquet")
    out = folder / "out.parquet"
    result = run("predict", folder / "model.onnx", folder / "rows", "-o", out, "--keep", "id")
    assert result.exit_code == 0, result.output
    return folder


def assert_same_predictions(title: str, folder: Path, scored: str, seconds: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", recipe(title)],
        cwd=folder,
        env={**os.environ, **LOCAL},
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr
    got = pl.read_parquet(folder / scored).sort("id")
    assert_frame_equal(got, pl.read_parquet(folder / "out.parquet"), check_exact=True)


def test_duckdb(folder: Path) -> None:
    pytest.importorskip("duckdb")
    assert_same_predictions("DuckDB", folder, "scored.parquet", 60)


@pytest.mark.slow
@pytest.mark.parametrize(("title", "library"), [("Spark", "pyspark"), ("Ray Data", "ray")])
def test_engines(folder: Path, title: str, library: str) -> None:
    pytest.importorskip(library, reason=ENGINES)
    if library == "pyspark" and not shutil.which("java"):
        pytest.skip("a JVM is not here: apt-get install default-jre-headless")
    shutil.rmtree(folder / "scored", ignore_errors=True)
    assert_same_predictions(title, folder, "scored/*.parquet", 400)
