"""The embedded data, the script that measures it, and the import that names it."""

import csv
import hashlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "src" / "onward" / "datasets" / "kernels"
MEASURED = {"started", "runtime_us"}  # the only columns that differ from run to run


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kernels", ROOT / "scripts/measure_kernels.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def cases(table: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{name: row[name] for name in row if name not in MEASURED} for row in table]


def test_the_seed_alone_decides_what_is_measured(script: ModuleType, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.csv" for name in ("first", "again", "other")]
    for path, seed in zip(paths, [3, 3, 4], strict=True):
        script.main(path, rows=40, seed=seed)
    first, again, other = (rows(path) for path in paths)
    assert cases(first) == cases(again) != cases(other)
    assert all(float(row["runtime_us"]) > 0 for row in first)


def test_the_committed_table_is_of_this_script(script: ModuleType, tmp_path: Path) -> None:
    script.main(tmp_path / "kernels.csv", rows=20, seed=0)
    assert cases(rows(tmp_path / "kernels.csv")) == cases(rows(FOLDER / "kernels.csv")[:20])


def test_the_committed_table_is_small_whole_and_heavy_tailed(script: ModuleType) -> None:
    table = rows(FOLDER / "kernels.csv")
    times = np.array([float(row["runtime_us"]) for row in table])
    assert len(table) == 10_000
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2_000_000
    assert {row["operation"] for row in table} == set(script.OPERATIONS)
    assert (times > 0).all()
    assert times.mean() > 10 * np.median(times)


def test_every_column_is_described() -> None:
    text = (FOLDER / "README.md").read_text()
    assert [name for name in rows(FOLDER / "kernels.csv")[0] if f"`{name}`" not in text] == []


def test_the_import_names_the_data_by_its_hash() -> None:
    """Otherwise every clone would find `data.dvc` changed after the first `dvc repro`."""
    written = YAML(typ="safe").load(ROOT / "data.dvc")
    files = sorted(path for path in FOLDER.iterdir())
    listing = [
        {"md5": hashlib.md5(path.read_bytes()).hexdigest(), "relpath": path.name} for path in files
    ]
    folder_hash = hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + ".dir"
    size = sum(path.stat().st_size for path in files)
    for end in (written["deps"][0], written["outs"][0]):
        assert (end["md5"], end["size"], end["nfiles"]) == (folder_hash, size, len(files))
    assert "frozen" not in written, "`dvc repro` does not fetch a frozen import"
