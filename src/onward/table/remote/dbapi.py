"""Queries by Python's own interface to databases, DB-API, whose drivers hand over rows.

SQLAlchemy knows the driver of an address, such as ``mysql://`` or ``mssql+pymssql://``.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from onward.errors import DataError
from onward.table.remote import batches as sizes
from onward.table.remote.adbc import read_only_file, with_limits
from onward.table.remote.batches import Batches, refuse_repeated
from onward.table.remote.credentials import hidden
from onward.table.remote.query import Query, missing_driver
from onward.table.remote.rows import Part, row_batches

PREFERRED = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
"""Drivers that need no library of C."""
READ_TIMEOUT = 600  # seconds until MySQL has to answer, also with the first row of a query
READ_ONLY = {
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
"""Statements that forbid writing, by dialect. Elsewhere nothing is committed."""


def run_sqlite(query: Query, folder: Path) -> Batches:
    """The rows of a query of a SQLite file."""
    uri = read_only_file(query.database)
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        cursor = connection.execute(query.text)
        yield from row_batches(query.database, _parts(query, cursor, cursor.fetchmany), folder)


def run_psycopg(query: Query, folder: Path) -> Batches:
    """The rows of a query of PostgreSQL."""
    psycopg: Any = import_module("psycopg")
    login = {"user": query.user, "password": query.password}
    given = {name: value for name, value in login.items() if value}
    with psycopg.connect(with_limits(query.database, query), **given) as connection:
        connection.read_only = True
        with connection.cursor("onward") as cursor:
            cursor.execute(query.text)
            yield from row_batches(query.database, _parts(query, cursor, cursor.fetchmany), folder)


def run_sqlalchemy(query: Query, folder: Path) -> Batches:
    """The rows of a query of a database that SQLAlchemy has a dialect for."""
    with _connected(query) as connection:
        if connection.dialect.name in READ_ONLY:
            connection.exec_driver_sql(READ_ONLY[connection.dialect.name])
        options = {"stream_results": True, "max_row_buffer": sizes.BATCH, "no_parameters": True}
        streaming = connection.execution_options(**options)
        with streaming.exec_driver_sql(query.text) as result:
            # not those of its cursor: SQLAlchemy has read some rows already
            parts = _parts(query, result.cursor, result.fetchmany)
            yield from row_batches(query.database, parts, folder)


def _connected(query: Query) -> Any:
    """A connection.

    Raises:
        DataError: if the driver takes no such address; it says so by errors of Python's own.
    """
    try:
        return _engine(query).connect()
    except (ValueError, TypeError, LookupError, AttributeError, OSError) as error:
        message = f"{query.database}: no connection with this address ({error}). Correct `database`"
        raise DataError(hidden(message, query.password)) from error


def _engine(query: Query) -> Any:
    sqlalchemy: Any = import_module("sqlalchemy")
    url = sqlalchemy.make_url(query.database).set(username=query.user, password=query.password)
    url = url.set(drivername=PREFERRED.get(url.drivername, url.drivername))
    options = {}
    if url.drivername.endswith("+pymysql"):
        if "read_timeout" not in url.query:
            url = url.update_query_dict({"read_timeout": str(READ_TIMEOUT)})
        if query.password:  # as text, PyMySQL would send it in Latin-1
            options = {"password": query.password.encode()}
    try:
        engine = sqlalchemy.create_engine
        return engine(url, poolclass=sqlalchemy.pool.NullPool, connect_args=options)
    except (sqlalchemy.exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise missing_driver(query.scheme) from error


def _parts(
    query: Query, cursor: Any, fetch: Callable[[int], Sequence[Sequence[Any]]]
) -> Iterator[Part]:
    """The rows in parts.

    Args:
        query: that was run.
        cursor: that describes the columns.
        fetch: gets as many rows as asked for.
    """
    names = None
    while rows := fetch(sizes.BATCH):
        if names is None:  # some drivers know them only now
            names = [column[0] for column in cursor.description]
            refuse_repeated(query.database, names)
        yield dict(zip(names, zip(*rows, strict=True), strict=True))
