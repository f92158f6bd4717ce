"""Databases other than SQLite and PostgreSQL: a DuckDB file, and a MariaDB server of our own."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from onward.__main__ import app
from onward.errors import ConfigError, DataError
from onward.table.remote import adbc, batches, databases, dbapi
from onward.table.remote.adbc import _options
from onward.table.remote.databases import _runner
from onward.table.remote.query import Query
from onward.table.sources.sql import Sql

PASSWORD = "p@ss/ w:rd%é世"
QUERY = "SELECT * FROM orders WHERE town LIKE 'town%' OR town IS NULL ORDER BY id"
NUM_ROWS = 1_000


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def collect(database: str, query: str = QUERY, **settings: Any) -> pl.DataFrame:
    source = {"type": "sql", "database": database, "query": query, "path": "data/orders"}
    Path("orders.yaml").write_text(json.dumps({"prepare": {"source": source | settings}}))
    result = CliRunner().invoke(app, ["collect", "orders.yaml"])
    if result.exception:
        raise result.exception
    return pl.read_parquet("snapshots/orders/table.parquet")


@pytest.fixture
def duck(folder: Path) -> str:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect("shop.duckdb") as connection:
        connection.execute(
            """CREATE TABLE orders AS SELECT n AS id,
            CASE WHEN n % 5 > 0 THEN 'town ' || n % 7 END AS town,
            (n * 1.25)::DECIMAL(12, 2) AS price, n::HUGEINT << 70 AS big,
            TIMESTAMPTZ '2024-01-02 03:04:05+02' AS at, DATE '2024-02-29' AS day,
            '{"a": 1}'::JSON AS doc, {'name': 'x', 'box': {'size': n}} AS who,
            uuid() AS code, INTERVAL 3 DAY AS span
            FROM range(1, 1001) AS r(n)"""
        )
    return "duckdb:shop.duckdb"


def test_types_of_duckdb_become_those_of_readers(
    duck: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")  # of this machine, which the snapshot must not depend on
    table = collect(duck, f"SELECT * EXCLUDE (span) FROM ({QUERY})")
    assert table.height == NUM_ROWS
    assert table["price"][2] == "3.75"
    assert table["big"][2] == str(3 << 70)
    assert table.schema["at"] == pl.Datetime("us", "UTC")
    assert str(table["at"][0]) == "2024-01-02 01:04:05+00:00"
    assert (table["who.name"][0], table["who.box.size"][2], table["town"][4]) == ("x", 3, None)
    assert (table["doc"][0], len(table["code"][0])) == ('{"a": 1}', 36)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM orders", "column 'span' has values of the type month_day_nano_interval"),
        ("SELECT none FROM orders", 'Referenced column "none" not found'),
        ("SELECT * FROM read_text('/etc/passwd')", "disabled by configuration"),
        ("SELECT 1 AS a, 2 AS a", "there are 2 columns 'a'"),
        ("SELECT * FROM orders WHERE id < 0", "there are no rows"),
    ],
)
def test_a_query_of_duckdb_reads_its_own_file_only(query: str, message: str, duck: str) -> None:
    with pytest.raises(DataError, match=message):
        collect(duck, query)
    assert not Path("snapshots/orders").exists()


def test_a_duckdb_file_that_is_none_is_named(duck: str) -> None:
    Path("bad.duckdb").write_bytes(b"nonsense" * 1000)
    with pytest.raises(DataError, match="not a valid DuckDB database"):
        collect("duckdb:bad.duckdb")
    with pytest.raises(DataError, match=r"none\.duckdb: there is no such file"):
        collect("duckdb:none.duckdb")
    assert not Path("none.duckdb").exists()


SERVER = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
INSTALL = shutil.which("mariadb-install-db")
needs_mariadb = pytest.mark.skipif(
    not (SERVER and INSTALL), reason="MariaDB is not here: apt-get install mariadb-server"
)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[str]:
    """Starts a server on loopback, with a table and a user; its address."""
    pymysql = pytest.importorskip("pymysql")
    user = ["--user=nobody"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        if user:
            shutil.chown(name, "nobody")
        common = ["--no-defaults", *user, f"--datadir={name}/data"]
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(
            [str(INSTALL), *common, *options],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        places = [f"--socket={name}/s", f"--pid-file={name}/pid", "--skip-name-resolve"]
        command = [str(SERVER), *common, *places, "--bind-address=127.0.0.1", f"--port={port}"]
        with (Path(name) / "log").open("wb") as log:
            server = subprocess.Popen(command, stderr=log)
        try:
            for attempt in range(100):
                try:
                    connection = pymysql.connect(host="127.0.0.1", port=port, user="root")
                    break
                except pymysql.err.OperationalError:
                    assert attempt < 99
                    time.sleep(0.1)
            with connection:
                fill(connection)
            yield f"mysql://127.0.0.1:{port}/shop"
        finally:
            server.terminate()
            server.wait(30)


def fill(connection: Any) -> None:
    cursor = connection.cursor()
    for statement in (
        "CREATE DATABASE shop CHARACTER SET utf8mb4",
        "CREATE USER reader@'127.0.0.1'",
        "GRANT ALL ON shop.* TO reader@'127.0.0.1'",
        """CREATE TABLE shop.orders (id INT PRIMARY KEY, town VARCHAR(20), price DECIMAL(20, 6),
        big BIGINT UNSIGNED, at DATETIME, day DATE, clock TIME, doc JSON, late DOUBLE)""",
    ):
        cursor.execute(statement)
    cursor.execute("CREATE SEQUENCE shop.numbers")
    cursor.execute("SET PASSWORD FOR reader@'127.0.0.1' = PASSWORD(%s)", (PASSWORD,))
    rows = [
        (
            *(n, f"town ö{n % 7}" if n % 5 else None, Decimal(n * 125).scaleb(-2)),
            *(2**64 - n, "2024-01-02 03:04:05", "2024-02-29", "-12:34:56", '{"a": [1, 2]}'),
            None if n < NUM_ROWS else 0.5,
        )
        for n in range(1, NUM_ROWS + 1)
    ]
    marks = ", ".join(["%s"] * len(rows[0]))
    cursor.executemany(f"INSERT INTO shop.orders VALUES ({marks})", rows)
    connection.commit()


LOGIN = {"user": "ONWARD_READER", "password": "ONWARD_SHOP_PASSWORD"}


@pytest.fixture
def logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONWARD_READER", "reader")
    monkeypatch.setenv("ONWARD_SHOP_PASSWORD", PASSWORD)
    monkeypatch.setenv("ONWARD_WRONG", "reader")  # which the server repeats, as the user


@needs_mariadb
def test_types_of_mariadb_become_those_of_readers(
    mariadb: str, logged_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 300)  # `late` has a value in the last batch only
    table = collect(mariadb, **LOGIN)
    assert table.height == NUM_ROWS
    assert table["price"][:3].to_list() == ["1.250000", "2.500000", "3.750000"]
    assert table["big"][0] == str(2**64 - 1)
    assert (table["town"][0], table["town"][4]) == ("town ö1", None)
    assert table.select("at", "day").schema == {"at": pl.Datetime("us"), "day": pl.Date}
    assert table["doc"][0] == '{"a": [1, 2]}'
    assert (table["late"].null_count(), table["late"][-1]) == (NUM_ROWS - 1, 0.5)
    before = Path("snapshots/orders/table.parquet").read_bytes()
    collect(mariadb.replace("mysql:", "mariadb:"), **LOGIN)
    assert Path("snapshots/orders/table.parquet").read_bytes() == before
    files = b"".join(path.read_bytes() for path in Path().rglob("*") if path.is_file())
    assert PASSWORD.encode() not in files


@needs_mariadb
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query": "SELECT none FROM orders"}, r"Unknown column 'none' in 'SELECT' \(error 1054\)"),
        ({"query": "WITH x AS (SELECT 1) SELECT * FROM y"}, "shop.y' doesn't exist"),
        ({"query": "SELECT NEXTVAL(numbers) AS n"}, "READ ONLY transaction"),
        ({"query": "SELECT LOAD_FILE('/etc/passwd') AS a, 1 AS a"}, "there are 2 columns 'a'"),
        ({"password": "ONWARD_WRONG"}, r"Access denied for user '\*\*\*'"),
        ({"host": "nobody.invalid"}, "Can't connect to MySQL server on 'nobody.invalid'"),
        ({"port": "1"}, "Connection refused"),
    ],
)
def test_what_mariadb_refuses_is_named(
    changes: dict[str, str], message: str, mariadb: str, logged_in: None
) -> None:
    address = mariadb.replace("127.0.0.1", changes.pop("host", "127.0.0.1"))
    if port := changes.pop("port", ""):
        address = f"mysql://127.0.0.1:{port}/shop"
    with pytest.raises(DataError, match=message) as refusal:
        collect(address, **{**LOGIN, **changes})
    assert PASSWORD not in str(refusal.value)
    assert not Path("snapshots/orders").exists()


@pytest.mark.parametrize(
    "address",
    [
        "mysql://db:abc/shop",
        "mysql://127.0.0.1:1/shop?connect_timeout=abc",
        "mysql://127.0.0.1:1/shop?ssl_check_hostname=x",
        "mysql://127.0.0.1:1/shop?charset=foo",
        "mysql://a..b/d",
        "mysql://127.0.0.1:1/shop?ssl_ca=/nope.pem",
    ],
)
def test_an_address_that_the_driver_cannot_use_is_named(address: str) -> None:
    pytest.importorskip("pymysql")
    with pytest.raises(DataError, match="Correct `database`"):
        collect(address)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize("database", ["mysql", "postgresql"])
def test_a_silent_server_is_given_up(
    database: str, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pymysql")
    monkeypatch.setattr(dbapi, "READ_TIMEOUT", 1)
    monkeypatch.setitem(adbc.LIMITS, "connect_timeout", 2)  # the least that PostgreSQL takes
    start = time.monotonic()
    with pytest.raises(DataError, match="Correct `database`"):
        collect(f"{database}://127.0.0.1:{silent}/shop")
    assert time.monotonic() - start < 10


def test_a_password_that_the_driver_repeats_is_hidden(
    monkeypatch: pytest.MonkeyPatch, logged_in: None
) -> None:
    def refuse(query: Query, _: Path) -> Any:
        raise sqlite3.OperationalError(f"no access for reader with {query.password}")

    monkeypatch.setattr(databases, "_runner", lambda _: refuse)
    with pytest.raises(DataError, match=r"no access for reader with \*\*\*\. Correct"):
        collect("mysql://host/shop", **LOGIN)


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql"])
def test_a_password_of_mysql_travels_in_utf8(scheme: str) -> None:
    pymysql = pytest.importorskip("pymysql")
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = dbapi._engine(Query(f"{scheme}://host/shop", QUERY, "reader", PASSWORD))
    given: dict[str, Any] = {}

    def refuse(*arguments: Any) -> None:
        given.update(arguments[-1])
        raise ConnectionRefusedError

    sqlalchemy.event.listen(engine, "do_connect", refuse)
    with pytest.raises(ConnectionRefusedError):
        engine.connect()
    assert pymysql.connect(**given, defer_connect=True).password == PASSWORD.encode()


@needs_mariadb
def test_a_kill_leaves_the_old_snapshot(mariadb: str, logged_in: None) -> None:
    collect(mariadb, **LOGIN)
    before = {path: path.read_bytes() for path in Path("snapshots/orders").iterdir()}
    slow = "SELECT id, SLEEP(0.01) AS s FROM orders WHERE id < 500"
    settings = {"type": "sql", "database": mariadb, "query": slow, "path": "data/orders"}
    Path("orders.yaml").write_text(json.dumps({"prepare": {"source": settings | LOGIN}}))
    process = subprocess.Popen([sys.executable, "-m", "onward", "collect", "orders.yaml"])
    while not Path("snapshots/.orders.new").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert {path: path.read_bytes() for path in Path("snapshots/orders").iterdir()} == before
    assert collect(mariadb, **LOGIN).height == NUM_ROWS
    assert not Path("snapshots/.orders.new").exists()


@pytest.mark.parametrize(
    ("database", "message"),
    [
        ("mysql://me:secret@host/shop", "not written here"),
        ("mysql://me:pa/ss@host/shop", "not written here"),
        ("snowflake://account/shop?password=a", "not written here"),
        ("mysql://host/shop?init_command=DROP TABLE x", "'init_command' is not allowed"),
        ("mysql://host/shop?local_infile=1", "'local_infile' is not allowed"),
        ("mysql://host/shop#?init_command=DROP TABLE x", "'init_command' is not allowed"),
        ("mssql+pyodbc://host/shop?driver=/tmp/x.so", "'driver' is not allowed"),
        ("postgresql://host/shop?passfile=/etc/passwd", "'passfile' is not allowed"),
        ("postgresql://host/shop?sslkeylogfile=/tmp/x", "'sslkeylogfile' is not allowed"),
        ("postgresql://host/shop?sslmode=require&service=x", "'service' is not allowed"),
        ("postgresql://host/shop?ss%6ckeylogfile=/tmp/x", "'sslkeylogfile' is not allowed"),
        ("postgresql:host=x user=secret", "not an address of a database"),
        ("postgresql://shop:secret?2@host/shop", "not written here"),
        ("MYSQL://shop:secret@host/shop", "not written here"),
        ("Mysql://host/secret", "not an address of a database"),
        ("just a text", "not an address of a database"),
    ],
)
def test_addresses_have_no_secrets_and_start_nothing(database: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refusal:
        Sql.Config(path=Path("x"), database=database, query="SELECT 1")
    [error] = refusal.value.errors()
    assert error["type"] == "secret"  # whose value the command does not print
    assert "secret" not in error["msg"]


def test_parameters_that_do_no_harm_are_taken() -> None:
    address = "postgresql://host/shop?sslmode=verify-full&sslrootcert=ca.pem&connect_timeout=5"
    config = Sql.Config(path=Path("x"), database=address, query="SELECT 1")
    assert config.database == address


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "WITH x AS (INSERT INTO y VALUES (1) RETURNING 1) SELECT * FROM x",
        "SELECT * INTO copy FROM orders",
        r"SELECT 'a\' , ' INTO OUTFILE '/tmp/x' -- '",
        "SELECT 1 --1 INTO OUTFILE '/tmp/x'",
        "SELECT 1 /*! INTO OUTFILE '/tmp/x' */",
        "SELECT 1 /*M!100000 INTO OUTFILE '/tmp/x' */",
    ],
)
def test_a_query_that_writes_by_into_is_refused(query: str) -> None:
    with pytest.raises(ValidationError, match=r"a single reading statement|the word INTO"):
        Sql.Config(path=Path("s"), database="mysql://host/shop", query=query)


@pytest.mark.parametrize(
    ("scheme", "remedy"),
    [
        ("snowflake", "'onward\\[snowflake\\]'"),
        ("bigquery", "'onward\\[bigquery\\]'"),
        ("mssql+pymssql", "see docs/sources.md"),
    ],
)
def test_a_driver_that_is_missing_is_named(scheme: str, remedy: str) -> None:
    with pytest.raises(ConfigError, match=f"not installed. Install .*{remedy}"):
        collect(f"{scheme}://host/shop/public")


def test_the_extras_of_clouds_get_what_their_drivers_want() -> None:
    """Read from the drivers; the clouds themselves are not run here."""
    snowflake = Query("snowflake://acme-eu/shop/public?warehouse=w", "", "me", "p@ss/")
    address = "snowflake://me:p%40ss%2F@acme-eu/shop/public?warehouse=w"
    assert _options(snowflake)["uri"] == address
    options = _options(Query("bigquery://project/shop", ""))
    assert options["db_kwargs"] == {
        "adbc.bigquery.sql.project_id": "project",
        "adbc.bigquery.sql.dataset_id": "shop",
    }
    other = _options(Query("flightsql://host:1", "", "me", "pass"))
    assert other == {
        "uri": "flightsql://host:1",
        "db_kwargs": {"username": "me", "password": "pass"},
    }


def test_a_driver_of_any_kind_is_found_by_its_name(folder: Path) -> None:
    pytest.importorskip("sqlalchemy")
    assert _runner("oracle+oracledb").__name__ == "run_sqlalchemy"
    assert _runner("postgresql").__module__.endswith("adbc")
