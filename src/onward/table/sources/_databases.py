"""Results of database queries, in batches of rows.

ADBC hands over columns. Where its driver is not installed, Python's own interface to databases
(DB-API) hands over rows, which become columns here.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onward.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 65_536  # rows
Batches = Iterator["pa.RecordBatch"]


@contextmanager
def query_batches(database: str, query: str) -> Iterator[Batches]:
    """The rows of a query, in batches with the same columns.

    Raises:
        ConfigError: if no driver for such a database is installed.
        DataError: if the database is not there, or does not understand the query, or a column
            has values of several types.
    """
    run = _runner(database)
    try:
        with run(database, query) as batches:
            yield batches
    except Exception as error:
        if not _is_of_a_driver(error):
            raise
        raise DataError(
            f"{database}: {error}. Correct `database` or `query`; if a column has values of several"
            " types, let the query CAST it to one"
        ) from error


Runner = Callable[[str, str], AbstractContextManager[Batches]]


def _runner(database: str) -> Runner:
    kind = database.partition(":")[0]
    if find_spec("pyarrow"):
        if find_spec(f"adbc_driver_{kind}"):
            return adbc
        if kind == "sqlite" or find_spec("psycopg"):
            return dbapi
    raise ConfigError(
        f"{database}: the driver of this database is not installed. Install the extra sql, as in"
        " `pip install 'onward[sql]'`"
    )


def _is_of_a_driver(error: Exception) -> bool:
    """Whether a driver or pyarrow raised the error; these have no common base class."""
    module = type(error).__module__.partition(".")[0]
    is_of_arrow = isinstance(error, OSError) and error.errno is None
    return module in ("adbc_driver_manager", "sqlite3", "psycopg", "pyarrow") or is_of_arrow


@contextmanager
def adbc(database: str, query: str) -> Iterator[Batches]:
    """Run the query with the ADBC driver, in a transaction that cannot write."""
    kind = database.partition(":")[0]
    driver: Any = import_module(f"adbc_driver_{kind}.dbapi")
    uri = _sqlite_uri(database) if kind == "sqlite" else database
    with driver.connect(uri) as connection, connection.cursor() as cursor:
        if kind == "sqlite":
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(BATCH)})
        else:
            cursor.execute("SET TRANSACTION READ ONLY")  # a CTE or a function may write
        cursor.execute(query)
        yield map(_storage_types, cursor.fetch_record_batch())


def _storage_types(batch: "pa.RecordBatch") -> "pa.RecordBatch":
    """Replace the extension types of a database by their storage types."""
    arrays = [getattr(column, "storage", column) for column in batch.columns]
    return type(batch).from_arrays(arrays, batch.schema.names)


@contextmanager
def dbapi(database: str, query: str) -> Iterator[Batches]:
    """Run the query with DB-API, in a transaction that cannot write."""
    if database.startswith("sqlite:"):
        with closing(sqlite3.connect(_sqlite_uri(database), uri=True)) as connection:
            yield _batches(connection.execute(query))
    else:
        driver: Any = import_module("psycopg")
        with driver.connect(database) as connection, connection.cursor("onward") as cursor:
            connection.read_only = True
            cursor.execute(query)
            yield _batches(cursor)


def _sqlite_uri(database: str) -> str:
    """A read-only URI; otherwise a missing file would be created."""
    path = Path(database.removeprefix("sqlite:"))
    if not path.is_file():
        raise DataError(f"{database}: there is no such file. Correct `database`")
    return f"{path.resolve().as_uri()}?mode=ro"


def _batches(cursor: Any) -> Batches:
    import pyarrow as pa

    schema = None
    while rows := cursor.fetchmany(BATCH):
        names = [column[0] for column in cursor.description]
        arrays = [pa.array([_plain(row[place]) for row in rows]) for place in range(len(names))]
        batch = pa.RecordBatch.from_arrays(arrays, names)
        schema = schema or batch.schema
        yield batch.cast(schema)


def _plain(value: Any) -> Any:
    """Decimals as text, like ADBC: they have more digits than a float64."""
    return str(value) if isinstance(value, Decimal) else value
