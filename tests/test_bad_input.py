"""A wrong config or table: one clear message, the right exit code, and nothing written."""

from pathlib import Path

import pytest
from bad_inputs import CONFIG, TABLE, WRONG_CONFIGS, WRONG_TABLES
from forked import Run, onward


def prepare(folder: Path, config: str, table: bytes) -> Run:
    (folder / "config.yaml").write_text(config)
    (folder / "table.csv").write_bytes(table)
    return onward(folder, "prepare", "config.yaml")


def refused(folder: Path, config: str, table: bytes, code: int, message: str) -> None:
    done = prepare(folder, config, table)
    assert message in done.stderr
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    left = [path.name for path in folder.rglob("*") if not path.name.startswith(".")]
    assert set(left) <= {"config.yaml", "table.csv", "artifacts", "config"}


def test_the_table_they_are_made_from_is_good(tmp_path: Path) -> None:
    done = prepare(tmp_path, CONFIG, TABLE.encode())
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "artifacts/config/prepare/manifest.json").exists()


@pytest.mark.parametrize(("old", "new", "message"), WRONG_CONFIGS)
def test_wrong_configs(tmp_path: Path, old: str, new: str, message: str) -> None:
    config = CONFIG.replace(old, new, 1)
    assert config != CONFIG
    code = 65 if "tabel" in new else 78
    refused(tmp_path, config, TABLE.encode(), code, message)


@pytest.mark.parametrize(("table", "message"), WRONG_TABLES)
def test_wrong_tables(tmp_path: Path, table: bytes, message: str) -> None:
    refused(tmp_path, CONFIG, table, 65, message)


def test_a_target_that_is_no_number_has_a_remedy_of_its_own(tmp_path: Path) -> None:
    config = CONFIG.replace("kind: classes, classes: [low, high]", "kind: number")
    refused(tmp_path, config, TABLE.encode(), 65, "Correct the file, or remove these rows")
