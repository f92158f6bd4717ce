"""Databases: a real SQLite file and a real PostgreSQL server, of which we take snapshots."""

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import time, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from onward.__main__ import app
from onward.cli._source import source_of
from onward.errors import ConfigError, DataError
from onward.schema import Field
from onward.table.remote import adbc, batches, databases, dbapi, rows
from onward.table.remote.query import Query, Runner
from onward.table.sources import Source, _snapshot
from onward.table.sources.sql import Sql

QUERY = "SELECT id AS n, town AS t FROM orders ORDER BY id"
FIELDS = [Field("n", "numerical", "number"), Field("t", "categorical", "text")]
ROWS = [(1, "Köln"), (2, None), (3, "x")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("shop.db") as connection:
        connection.execute("CREATE TABLE orders (id INTEGER, town TEXT, pay REAL, odd)")
        connection.executemany("INSERT INTO orders VALUES (?, ?, 0.5, ?)", [(*r, 1) for r in ROWS])
    connection.close()
    return tmp_path


def write_config(query: str = QUERY, database: str = "sqlite:shop.db", **login: str) -> None:
    place = {"database": database, "path": "snapshots/orders"}
    source = {"type": "sql", "query": query, **place, **login}
    Path("orders.yaml").write_text(json.dumps({"prepare": {"source": source}}))


def collect() -> str:
    result = CliRunner().invoke(app, ["collect", "orders.yaml"])
    if result.exception:
        raise result.exception
    return result.output


def opened(query: str = QUERY) -> Any:
    path = Path("snapshots/orders")
    return Source.open(Sql.Config(path=path, database="sqlite:shop.db", query=query))


def test_a_snapshot_is_what_the_query_finds_and_says_so(folder: Path) -> None:
    write_config()
    assert "snapshots/orders: 3 rows" in collect()
    assert opened().scan(FIELDS).collect().rows() == ROWS
    taken = json.loads(Path("snapshots/orders/snapshot.json").read_text())
    assert (taken["query"], taken["rows"], len(taken["sha256"])) == (QUERY, 3, 64)
    assert json.loads(Path("snapshots/orders.taken.json").read_text())["rows"] == 3


def test_the_same_data_are_the_same_files(folder: Path) -> None:
    write_config()
    collect()
    before = {path: path.read_bytes() for path in Path("snapshots/orders").iterdir()}
    collect()
    assert before == {path: path.read_bytes() for path in Path("snapshots/orders").iterdir()}
    with sqlite3.connect("shop.db") as connection:
        connection.execute("INSERT INTO orders VALUES (4, 'y', 0.5, 1)")
    connection.close()
    collect()
    assert opened().num_rows() == 4


def test_init_takes_a_snapshot_with_its_query(folder: Path) -> None:
    with sqlite3.connect("shop.db") as connection:
        new = [(n, "ab"[n % 2], n % 7 / 2, n % 3) for n in range(4, 200)]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", new)
    connection.close()
    write_config("SELECT pay, odd FROM orders")
    assert "Next: onward init snapshots/orders --target COLUMN" in collect()
    result = CliRunner().invoke(app, ["init", "snapshots/orders", "--target", "odd"])
    assert result.exit_code == 0, result.output
    assert source_of(Path("configs/orders.yaml")) == Sql.Config(
        path=Path("data/orders"), database="sqlite:shop.db", query="SELECT pay, odd FROM orders"
    )
    assert "- path: snapshots/orders" in Path("data.dvc").read_text()
    assert "Next: dvc repro" in collect()


def test_a_snapshot_that_is_not_of_this_query_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="there is no snapshot"):
        opened()
    write_config()
    collect()
    with pytest.raises(DataError, match="of another `query` than in the config"):
        opened("SELECT 1 AS n")


def test_a_snapshot_that_was_changed_is_refused(folder: Path) -> None:
    write_config()
    collect()
    pl.DataFrame({"n": [1], "t": ["x"]}).write_parquet("snapshots/orders/table.parquet")
    with pytest.raises(DataError, match="differs from the collected one"):
        opened().num_rows()


@pytest.mark.parametrize("note", ["[]", "{", '{"type": "sql"}', '{"sha256": "a"}', None])
def test_a_folder_that_is_no_snapshot_is_refused(note: str | None, folder: Path) -> None:
    write_config()
    collect()
    path = Path("snapshots/orders")
    if note is None:
        (path / "table.parquet").unlink()
    else:
        (path / "snapshot.json").write_text(note)
    with pytest.raises(DataError, match=r"orders: not a snapshot.* `onward collect`"):
        opened()
    result = CliRunner().invoke(app, ["init", "snapshots/orders", "--target", "n"])
    assert isinstance(result.exception, DataError)


def test_batches_of_any_size_give_the_same_file(folder: Path) -> None:
    numbers = range(100_000)
    table = pl.DataFrame({"n": numbers, "t": [f"{n:060}" for n in numbers]})
    for size in (1_700, 100_000):
        tables = batches.even_tables(table.rechunk().to_arrow().to_batches(size))
        _snapshot._write("shop", tables, Path(f"{size}.parquet"))
    assert Path("1700.parquet").read_bytes() == Path("100000.parquet").read_bytes()


def test_a_time_of_day_keeps_its_zone(folder: Path) -> None:
    at = time(12, 30, tzinfo=timezone(timedelta(hours=2)))
    [batch] = rows.row_batches("shop", [{"at": [at, None], "local": [time(1), None]}], folder)
    assert batch.to_pylist()[0] == {"at": "12:30:00+02:00", "local": time(1)}


def test_records_without_any_value_are_named(folder: Path) -> None:
    with pytest.raises(DataError, match="no record after row 0 has a value in any column"):
        list(rows.row_batches("shop", rows.parts_of([{}, {}]), folder))


@pytest.mark.parametrize(
    ("query", "database", "message"),
    [
        ("SELECT absent FROM orders", "sqlite:shop.db", "no such column: absent"),
        ("SELECT FROM", "sqlite:shop.db", "syntax error"),
        ("SELECT 1", "sqlite:none.db", "sqlite:none.db: "),
        ("SELECT 1 AS a, 2 AS a", "sqlite:shop.db", "there are 2 columns 'a'"),
        ("SELECT * FROM orders WHERE id > 9", "sqlite:shop.db", "there are no rows"),
    ],
)
def test_a_query_that_finds_nothing_leaves_nothing(
    query: str, database: str, message: str, folder: Path
) -> None:
    write_config(query, database)
    with pytest.raises(DataError, match=re.escape(message)):
        collect()
    assert not Path("snapshots/orders").exists()
    assert not Path("none.db").exists()


@pytest.mark.parametrize("run", [adbc.run, dbapi.run_sqlite])
def test_both_interfaces_find_the_same_in_batches(
    run: Runner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 2)
    found = list(run(Query("sqlite:shop.db", QUERY), folder))
    assert [batch.num_rows for batch in found] == [2, 1]
    assert pl.from_arrow(found).rows() == ROWS  # type: ignore[union-attr]


@pytest.mark.parametrize("run", [adbc.run, dbapi.run_sqlite])
def test_a_column_of_several_types_is_refused(
    run: Runner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 2)
    monkeypatch.setattr(databases, "_runner", lambda _: run)
    with sqlite3.connect("shop.db") as connection:
        connection.execute("UPDATE orders SET odd = 'many' WHERE id = 3")
    connection.close()
    write_config("SELECT odd FROM orders ORDER BY id")
    with pytest.raises(DataError, match="CAST"):
        collect()


@pytest.mark.parametrize(
    "database",
    [
        "postgresql://me:secret@host/shop",
        "postgresql://me@host/shop",
        "postgresql://h/d?password=x",
    ],
)
def test_names_and_passwords_do_not_stand_in_configs(database: str) -> None:
    with pytest.raises(ValidationError, match="environment variables"):
        Sql.Config(path=Path("x"), database=database, query="SELECT 1")


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH 'other.db' AS other",
        "SELECT 1; DELETE FROM orders",
        "/* SELECT */ DELETE FROM orders",
        "PRAGMA journal_mode = wal",
        "",
    ],
)
def test_a_query_is_one_statement_that_reads(folder: Path, query: str) -> None:
    with pytest.raises(ValidationError, match=r"a single reading statement|at least 1 character"):
        Sql.Config(type="sql", path=Path("s"), database="sqlite:shop.db", query=query)
    assert not (folder / "other.db").exists()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ';' AS a -- ; b",
        "WITH x AS (SELECT 1) SELECT * FROM x;",
        "(VALUES (1))",
        "/* ; */\nselect 1",
    ],
)
def test_a_query_that_reads_is_taken(query: str) -> None:
    config = Sql.Config(type="sql", path=Path("s"), database="sqlite:shop.db", query=query)
    assert config.query == query


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"sqlite:none\.db: there is no such file"):
        list(databases.query_batches(Query("sqlite:none.db", "SELECT 1"), folder))
    assert not (folder / "none.db").exists()


def test_a_source_that_is_no_database_has_nothing_to_collect(folder: Path) -> None:
    Path("orders.yaml").write_text("prepare: {source: {type: csv, path: a.csv}}")
    with pytest.raises(ConfigError, match="has nothing to collect"):
        collect()


def program(name: str) -> str | None:
    """Of PostgreSQL; Debian keeps them off the path, a folder for each version."""
    folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *folders]))


INITDB, SERVER = program("initdb"), program("postgres")
needs_postgres = pytest.mark.skipif(
    not (INITDB and SERVER),
    reason="PostgreSQL is not here: apt-get install postgresql",
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict[str, str]]:
    """A server of our own on loopback, with a password; the environment that leads to it."""
    user = "nobody" if os.geteuid() == 0 else None  # it does not run as root
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        data, secret = Path(name) / "data", Path(name) / "secret"
        secret.write_text("s3cret")
        if user:
            shutil.chown(name, user)
            shutil.chown(secret, user)
        access = ["-U", "me", "-A", "scram-sha-256", f"--pwfile={secret}"]
        make = [str(INITDB), "-D", str(data), *access]
        subprocess.run(make, check=True, user=user, cwd=name, stdout=subprocess.DEVNULL)
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        command = [str(SERVER), "-D", str(data), "-p", str(port), *settings, "-F"]
        with (Path(name) / "log").open("wb") as log:
            server = subprocess.Popen(command, user=user, cwd=name, stderr=log)
        try:
            where = {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGDATABASE": "postgres"}
            yield {**where, "PGUSER": "me", "PGPASSWORD": "s3cret"}
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture
def shop(postgres: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in postgres.items():
        monkeypatch.setenv(name, value)
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")
    for attempt in range(100):
        try:
            connection = dbapi.connect("postgresql://")
            break
        except Exception:
            if attempt == 99:
                raise
            subprocess.run(["sleep", "0.1"], check=True)
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS orders")
        cursor.execute(
            "CREATE TABLE orders AS SELECT n AS id, 'town ' || n % 7 AS town, n / 4.0 AS price,"
            " timestamp '2024-01-01' + n * interval '1 hour' AS at, n % 2 = 0 AS is_even"
            " FROM generate_series(1, 100000) AS n"
        )
        connection.commit()


POSTGRES = "SELECT id AS n, town AS t, price, at, is_even FROM orders ORDER BY id"


@needs_postgres
def test_a_snapshot_of_postgresql(shop: None) -> None:
    write_config(POSTGRES, "postgresql://")
    collect()
    path = Path("snapshots/orders")
    table = Source.open(Sql.Config(path=path, database="postgresql://", query=POSTGRES))
    fields = [*FIELDS, Field("price", "x", "number"), Field("at", "x", "text")]
    frame = table.scan([*fields, Field("is_even", "x", "number")]).collect()
    assert frame.height == 100_000
    assert frame.row(6) == (7, "town 0", 1.75, "2024-01-01T07:00:00", 0)
    assert b"s3cret" not in b"".join(each.read_bytes() for each in path.iterdir())


@needs_postgres
def test_a_config_names_the_variables_of_a_login(
    shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONWARD_SHOP_USER", "me")
    monkeypatch.setenv("ONWARD_SHOP_PASSWORD", "s3cret")
    for name in ("PGUSER", "PGPASSWORD"):
        monkeypatch.delenv(name)
    host, port = os.environ["PGHOST"], os.environ["PGPORT"]
    login = {"user": "ONWARD_SHOP_USER", "password": "ONWARD_SHOP_PASSWORD"}
    write_config("SELECT 1 AS n", f"postgresql://{host}:{port}/postgres", **login)
    assert "1 row." in collect()
    monkeypatch.setenv("ONWARD_SHOP_PASSWORD", "authentication")  # a word of the server's answer
    with pytest.raises(DataError, match=r"password \*\*\* failed") as refusal:
        collect()
    assert "authentication" not in str(refusal.value)


@needs_postgres
@pytest.mark.parametrize("run", [adbc.run, dbapi.run_psycopg])
def test_the_password_of_the_environment_goes_to_no_host_of_a_config(
    run: Runner, shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setattr(databases, "_runner", lambda _: run)
    write_config("SELECT 1 AS n", "postgresql://")
    assert "1 row." in collect()
    write_config("SELECT 1 AS n", f"postgresql://127.0.0.1:{os.environ['PGPORT']}/postgres")
    with pytest.raises(DataError, match=r"no password supplied.* PGPASSWORD is used only if"):
        collect()


@needs_postgres
def test_both_interfaces_to_postgresql_find_the_same(shop: None, folder: Path) -> None:
    pytest.importorskip("psycopg")
    runners = (adbc.run, dbapi.run_psycopg)
    query = Query("postgresql://", POSTGRES)
    frames = [pl.from_arrow(list(run(query, folder))) for run in runners]
    assert frames[0].equals(frames[1])  # type: ignore[arg-type]


@needs_postgres
@pytest.mark.parametrize("run", [adbc.run, dbapi.run_psycopg])
@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT id FROM gone",
        "WITH one AS (SELECT 1) DELETE FROM orders RETURNING id",
    ],
)
def test_a_query_that_writes_is_refused(
    run: Runner, query: str, shop: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setattr(databases, "_runner", lambda _: run)
    write_config(query, "postgresql://")
    with pytest.raises(DataError, match=r"read-only transaction|syntax error|DECLARE CURSOR"):
        collect()
    [batch] = adbc.run(Query("postgresql://", "SELECT count(*) AS n FROM orders"), folder)
    assert batch.column(0)[0].as_py() == 100_000


@needs_postgres
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PGPASSWORD", "wrong", "password authentication failed"),
        ("PGPORT", "1", "Connection refused"),
    ],
)
def test_a_server_that_does_not_let_us_in_is_named(
    shop: None, name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    write_config(POSTGRES, "postgresql://")
    with pytest.raises(DataError, match=message):
        collect()
