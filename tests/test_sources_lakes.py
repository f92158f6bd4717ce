"""Tables of Delta Lake and Apache Iceberg, written by their own libraries."""

import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from onward.__main__ import app
from onward.errors import ConfigError, DataError
from onward.table.remote import batches
from onward.table.sources import Source

TABLE = pl.DataFrame(
    {
        "id": range(200),
        "town": ["a", None] * 100,
        "price": [Decimal("1.50"), Decimal("2.75")] * 100,
        "at": [datetime(2024, 1, 2, 3, tzinfo=UTC)] * 200,
        "who": [{"name": "x", "box": {"size": n}} for n in range(200)],
    }
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def collect(**settings: Any) -> pl.DataFrame:
    source = {**settings, "path": "data/orders"}
    Path("orders.yaml").write_text(json.dumps({"prepare": {"source": source}}))
    result = CliRunner().invoke(app, ["collect", "orders.yaml"])
    if result.exception:
        raise result.exception
    return pl.read_parquet("snapshots/orders/table.parquet")


def check_rows(table: pl.DataFrame, ids: range) -> None:
    assert table["id"].sort().to_list() == [n for n in ids if n != 3]
    assert set(table["price"]) == {"1.50", "2.75"}
    assert table.schema["at"] == pl.Datetime("us", "UTC")
    assert table["who.box.size"].to_list() == table["id"].to_list()


@pytest.fixture
def delta(folder: Path) -> str:
    deltalake = pytest.importorskip("deltalake")
    TABLE[:100].write_delta("lake/orders")
    TABLE[100:].write_delta("lake/orders", mode="append")
    deltalake.DeltaTable("lake/orders").delete("id = 3")
    return "lake/orders"


def test_a_delta_table_is_read_without_its_deleted_rows(delta: str) -> None:
    check_rows(collect(type="delta", table=delta), range(200))
    before = Path("snapshots/orders/table.parquet").read_bytes()
    collect(type="delta", table=delta)
    assert Path("snapshots/orders/table.parquet").read_bytes() == before
    assert collect(type="delta", table=delta, version=0)["id"].to_list() == list(range(100))


def test_a_snapshot_of_another_version_is_refused(delta: str) -> None:
    collect(type="delta", table=delta, version=0)
    [config] = [Source.members["delta"].for_folder(Path("snapshots/orders"))]
    assert config.version == 0
    with pytest.raises(DataError, match="of another `version` than in the config"):
        Source.open(config.model_copy(update={"version": 1}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"version": 9}, "end version 2 not the same as the specified end version 9"),
        ({"table": "lake/none"}, "lake/none: .*No such file or directory"),
        ({"table": "lake"}, "lake: .*(?i:not a delta table|no files in log)"),
    ],
)
def test_a_delta_table_that_is_not_there_is_named(
    settings: dict[str, Any], message: str, delta: str
) -> None:
    with pytest.raises(DataError, match=message) as refusal:
        collect(**{"type": "delta", "table": delta, **settings})
    assert "context stack" not in str(refusal.value)


def test_a_delta_table_with_a_lost_file_is_refused(delta: str) -> None:
    for file in Path(delta).rglob("*.parquet"):
        file.unlink()
    with pytest.raises(DataError, match="No such file or directory"):
        collect(type="delta", table=delta)
    assert not Path("snapshots/orders").exists()


@pytest.fixture
def iceberg(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("sqlalchemy")
    catalogs = pytest.importorskip("pyiceberg.catalog")
    monkeypatch.setenv("PYICEBERG_CATALOG__SHOP__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__SHOP__URI", f"sqlite:///{folder}/catalog.db")
    monkeypatch.setenv("PYICEBERG_CATALOG__SHOP__WAREHOUSE", f"file://{folder}/lake")
    # it reads the environment when it is imported
    monkeypatch.setattr(catalogs, "_ENV_CONFIG", import_module("pyiceberg.utils.config").Config())
    catalog = catalogs.load_catalog("shop")
    catalog.create_namespace("sales")
    rows = TABLE.to_arrow(compat_level=pl.CompatLevel.oldest())
    table = catalog.create_table("sales.orders", schema=rows.schema)
    table.append(rows[:100])
    table.append(rows[100:])
    table.delete("id == 3")
    yield table
    catalog.engine.dispose()


def test_an_iceberg_table_is_read_from_its_catalog(iceberg: Any) -> None:
    settings = {"type": "iceberg", "table": "sales.orders", "catalog": "shop"}
    check_rows(collect(**settings), range(200))
    first = iceberg.snapshots()[0].snapshot_id
    assert collect(**settings, version=first)["id"].to_list() == list(range(100))


def test_an_iceberg_table_without_a_catalog_opens_its_own_files_only(iceberg: Any) -> None:
    """A table can name the class that opens files; that of a stranger could name any."""
    Path("evil.py").write_text("raise SystemExit('imported')")
    location = Path(iceberg.metadata_location.removeprefix("file://"))
    metadata = json.loads(location.read_text())
    metadata["properties"]["py-io-impl"] = "evil.FileIO"
    location.write_text(json.dumps(metadata))
    check_rows(collect(type="iceberg", table=str(location)), range(200))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"table": "sales.none"}, "sales.none: Table does not exist: sales.none"),
        ({"catalog": "none"}, "sales.orders: URI missing"),
        ({"version": 5}, "snapshot ID not found: 5"),
        ({"catalog": None, "table": "lake/none"}, "lake/none: .*No such file|Failed to open"),
    ],
)
def test_an_iceberg_table_that_is_not_there_is_named(
    settings: dict[str, Any], message: str, iceberg: Any
) -> None:
    usual = {"type": "iceberg", "table": "sales.orders", "catalog": "shop"}
    with pytest.raises(DataError, match=message):
        collect(**{**usual, **settings})


def test_the_files_of_a_lake_are_not_a_table(delta: str, iceberg: Any) -> None:
    ice = iceberg.location().removeprefix("file://")
    for lake, name in ((delta, "delta"), (ice, "iceberg")):
        result = CliRunner().invoke(app, ["init", lake, "--target", "town"])
        assert isinstance(result.exception, DataError)
        assert f"type: {name}" in str(result.exception)


def test_addresses_of_azure_have_a_container_and_others_no_login() -> None:
    config = Source.members["delta"].Config
    address = "abfss://lake@account.dfs.core.windows.net/orders"
    assert config(path=Path("x"), table=address).table == address
    with pytest.raises(ValidationError, match="not written here"):
        config(path=Path("x"), table="s3://key:secret@bucket/orders")


def test_a_library_that_is_missing_is_named(delta: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "find_spec", lambda name: None)
    for name in ("delta", "iceberg"):
        with pytest.raises(ConfigError, match=rf"pip install 'onward\[{name}\]'"):
            collect(type=name, table="lake/orders")


def test_a_snapshot_of_a_lake_becomes_a_project(delta: str) -> None:
    collect(type="delta", table=delta)
    shutil.rmtree("lake")
    result = CliRunner().invoke(app, ["init", "snapshots/orders", "--target", "price"])
    assert ", 199 rows" in Path("configs/orders.yaml").read_text(), result.output
