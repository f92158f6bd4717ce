"""Documents of MongoDB.

MongoDB's own server cannot be installed from a package here. Its protocol is spoken by NX-27017, a
server by others that keeps its documents in SQLite. It has no Decimal128, bytes or logins: these
are tested with values of the driver.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from onward.__main__ import app
from onward.errors import ConfigError, DataError
from onward.table.remote import batches, mongodb
from onward.table.sources.mongodb import MongoDb

pymongo = pytest.importorskip("pymongo")
bson = pytest.importorskip("bson")
NUM_ROWS = 300


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Starts a server on loopback, with some documents; its address."""
    pytest.importorskip("nx_27017")
    folder = tmp_path_factory.mktemp("nx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    files = [f"--log-file={folder}/log", f"--pid-file={folder}/pid", "--data-dir=memory"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from nx_27017 import main; main()", *files, "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.05)
        with pymongo.MongoClient("127.0.0.1", port) as client:
            client.shop.orders.insert_many(document(n) for n in range(NUM_ROWS))
        yield f"mongodb://127.0.0.1:{port}/shop"
    finally:
        process.terminate()
        process.wait(30)


def document(n: int) -> dict[str, Any]:
    who = {"town": "ab"[n % 2], "tags": ["x", n % 3]}
    return {
        "n": n,
        "big": bson.Int64(2**60),
        "at": datetime(2024, 1, 1 + n % 28, tzinfo=UTC),
        **({"who": who, "pay": n / 4} if n % 3 else {"who": None}),
    }


def collect(database: str, **settings: Any) -> pl.DataFrame:
    source = {"type": "mongodb", "database": database, "collection": "orders", "path": "data/o"}
    Path("orders.yaml").write_text(json.dumps({"prepare": {"source": source | settings}}))
    result = CliRunner().invoke(app, ["collect", "orders.yaml"])
    if result.exception:
        raise result.exception
    return pl.read_parquet("snapshots/orders/table.parquet")


def test_documents_become_rows(server: str) -> None:
    table = collect(server)
    assert table["n"].to_list() == list(range(NUM_ROWS))
    assert table.schema["at"] == pl.Datetime("us", "UTC")
    row = table.row(1, named=True)
    assert len(row.pop("_id")) == 24
    assert row.pop("at") == datetime(2024, 1, 2, tzinfo=UTC)
    who = {"who": None, "who.town": "b", "who.tags": '["x", 1]'}
    assert row == {"n": 1, "big": 2**60, **who, "pay": 0.25}
    before = Path("snapshots/orders/table.parquet").read_bytes()
    collect(server)
    assert Path("snapshots/orders/table.parquet").read_bytes() == before


def test_a_filter_and_fields_choose(server: str) -> None:
    since = {"at": {"$gte": {"$date": "2024-01-28T00:00:00Z"}}}
    table = collect(server, filter=since, fields=["n", "who.town"])
    assert table["n"].to_list() == list(range(27, NUM_ROWS, 28))
    assert table.columns == ["n", "who.town"]


def test_a_snapshot_becomes_a_project(server: str) -> None:
    collect(server, filter={"n": {"$lt": 200}}, fields=["n", "pay", "who"])
    result = CliRunner().invoke(app, ["init", "snapshots/orders", "--target", "who.town"])
    assert result.exit_code == 0, result.output
    config = Path("configs/orders.yaml").read_text()
    assert "collection: orders" in config
    assert "$lt: 200" in config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"database": "mongodb://127.0.0.1:1/shop"}, r"127\.0\.0\.1:1: .*Connection refused"),
        ({"database": "mongodb://nobody.invalid/shop"}, "Name or service not known|No address"),
        ({"filter": {"at": {"$date": "soon"}}}, "is not MongoDB's extended JSON"),
        ({"filter": {"$where": "true"}}, r"'\$where' operator"),
        ({"filter": {"n": -1}}, "there are no rows"),
    ],
)
def test_what_cannot_be_read_is_named(
    changes: dict[str, Any], message: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongodb, "TIMEOUT", 500)
    monkeypatch.setenv("ONWARD_SECRET", "s3cret@/x")
    with pytest.raises(DataError, match=message) as refusal:
        collect(changes.pop("database", server), **changes)
    assert "Topology" not in str(refusal.value)
    assert not Path("snapshots/orders").exists()


def test_a_wrong_login_does_not_show_the_password(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongodb, "TIMEOUT", 500)
    monkeypatch.setenv("ONWARD_USER", "me")
    monkeypatch.setenv("ONWARD_SECRET", "payload")  # a word of the answer of this server
    with pytest.raises(DataError, match=r"/shop: '\*\*\*'\. Correct .*`password`") as refusal:
        collect(server, user="ONWARD_USER", password="ONWARD_SECRET")
    assert "payload" not in str(refusal.value)


def test_a_password_that_the_driver_repeats_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(find: mongodb.Find) -> Any:
        raise pymongo.errors.OperationFailure(f"no access for me with {find.password}")

    monkeypatch.setattr(mongodb, "_documents", refuse)
    monkeypatch.setenv("ONWARD_SECRET", "s3cret@/x")
    with pytest.raises(DataError, match=r"no access for me with \*\*\*"):
        collect("mongodb://host/shop", user="ONWARD_SECRET", password="ONWARD_SECRET")


def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {}

    def connect(address: str, **given: Any) -> Any:
        options.update(given)
        raise pymongo.errors.ConnectionFailure("timed out")

    monkeypatch.setattr(pymongo, "MongoClient", connect)
    with pytest.raises(DataError, match="timed out"):
        collect("mongodb://host/shop")
    assert options["socketTimeoutMS"] == mongodb.READ_TIMEOUT


def test_values_of_the_driver_become_those_of_python() -> None:
    id_ = bson.ObjectId("65a1f0c0ffee0000000000aa")
    value = {"a": [id_, {"b": bson.Decimal128("1.50")}], "c": None}
    plain = mongodb._plain(value)
    assert str(plain) == "{'a': ['65a1f0c0ffee0000000000aa', {'b': Decimal('1.50')}], 'c': None}"


@pytest.mark.parametrize(
    ("database", "message"),
    [
        ("mongodb://me:secret@host/shop", "not written here"),
        ("mysql://host/shop", "not an address of a MongoDB database"),
        ("mongodb://host:27017", "not an address of a MongoDB database"),
        ("mongodb://host/shop?authMechanism=MONGODB-OIDC", "`authMechanism` is not allowed"),
        ("mongodb://host/shop?tls=true;authMechanism=MONGODB-AWS", "is not allowed"),
        ("mongodb://host/shop#?authMechanismProperties=ENVIRONMENT:k8s", "is not allowed"),
        ("mongodb://host/shop?proxyHost=a", "'proxyHost' is not allowed"),
    ],
)
def test_addresses_are_of_mongodb_and_have_no_secrets(database: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refusal:
        MongoDb.Config(path=Path("x"), database=database, collection="orders")
    assert refusal.value.errors()[0]["type"] == "secret"  # whose value is not printed


def test_parameters_that_do_no_harm_are_taken() -> None:
    address = "mongodb+srv://host/shop?retryWrites=true&w=majority&authMechanism=SCRAM-SHA-256"
    config = MongoDb.Config(path=Path("x"), database=address, collection="orders")
    assert config.database == address


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'onward\[mongodb\]'"):
        collect("mongodb://host/shop")
