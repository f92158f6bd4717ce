"""Queries by ADBC, whose drivers hand over columns."""

from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from onward.errors import DataError
from onward.table.remote import batches as sizes
from onward.table.remote.batches import Batches
from onward.table.remote.query import Query

SNOWFLAKE_TIMEOUT = "adbc.snowflake.sql.client_option.login_timeout"  # its own is five minutes
LIMITS = {"connect_timeout": 30, "tcp_user_timeout": 60_000}
"""Of PostgreSQL: seconds, and milliseconds until it confirms what was sent."""


def run(query: Query, _: Path) -> Batches:
    """The rows of the query, which reads only, where the database can promise that."""
    driver: Any = import_module(f"adbc_driver_{query.scheme}.dbapi")
    with driver.connect(**_options(query)) as connection, connection.cursor() as cursor:
        if query.scheme == "sqlite":
            size = str(sizes.BATCH)
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": size})
        if query.scheme == "postgresql":
            cursor.execute("SET TRANSACTION READ ONLY")  # a CTE or a function may write
        cursor.execute(query.text)
        yield from cursor.fetch_record_batch()


def _options(query: Query) -> dict[str, Any]:
    address = query.database
    if query.scheme == "sqlite":
        return {"uri": read_only_file(address)}
    if query.scheme == "bigquery":
        project, _, dataset = address.removeprefix("bigquery://").partition("/")
        names = {"project_id": project, "dataset_id": dataset}
        settings = {f"adbc.bigquery.sql.{name}": value for name, value in names.items() if value}
        return {"db_kwargs": settings, "autocommit": True}  # it has no transactions
    if query.scheme == "postgresql":
        return {"uri": with_limits(_with_login(query), query)}
    if query.scheme == "snowflake":
        return {"uri": _with_login(query), "db_kwargs": {SNOWFLAKE_TIMEOUT: "30s"}}
    login = {"username": query.user, "password": query.password}
    return {"uri": address, "db_kwargs": {name: value for name, value in login.items() if value}}


def _with_login(query: Query) -> str:
    """The address with user name and password, as drivers want it."""
    scheme, _, rest = query.database.partition("://")
    login = ":".join(quote(part, safe="") for part in (query.user, query.password) if part)
    if query.password and not query.user:
        login = f":{login}"
    return f"{scheme}://{login}@{rest}" if login else query.database


def with_limits(address: str, query: Query) -> str:
    """The address of PostgreSQL with times after which a silent server is given up.

    If it names a host, ``PGPASSWORD`` is not sent there: a config may name any host.
    """
    parameters = address.partition("?")[2]
    missing = [f"{name}={value}" for name, value in LIMITS.items() if f"{name}=" not in parameters]
    if names_host(query) and not query.password:
        missing.append("password=")  # none, so that the driver looks in ~/.pgpass only
    return f"{address}{'&' if parameters else '?'}{'&'.join(missing)}"


def names_host(query: Query) -> bool:
    """Whether the address names a server, rather than leaving that to ``PGHOST``."""
    return bool(urlsplit(query.database).netloc)


def read_only_file(database: str) -> str:
    """The URI of a file of SQLite.

    Raises:
        DataError: if it is not there; SQLite would create it.
    """
    path = Path(database.removeprefix("sqlite:"))
    if not path.is_file():
        raise DataError(f"{database}: there is no such file. Correct `database`")
    return f"{path.resolve().as_uri()}?mode=ro"
