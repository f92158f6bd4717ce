"""Results of database queries, by the driver that is installed for the address."""

from importlib.util import find_spec
from pathlib import Path

from onward.errors import DataError
from onward.table.remote import adbc, dbapi, duckdb_file
from onward.table.remote.batches import Batches
from onward.table.remote.credentials import hidden
from onward.table.remote.query import Query, Runner, missing_driver

ERRORS = (
    *("adbc_driver_manager", "sqlite3", "psycopg", "sqlalchemy", "pymysql"),
    *("duckdb", "_duckdb", "pyarrow"),
)
"""Modules whose errors are about the database or the query; they have no common base class."""
RUNNERS: dict[str, dict[str, Runner]] = {
    "sqlite": {"adbc_driver_sqlite": adbc.run, "sqlite3": dbapi.run_sqlite},
    "postgresql": {"adbc_driver_postgresql": adbc.run, "psycopg": dbapi.run_psycopg},
    "duckdb": {"duckdb": duckdb_file.run},
    "mysql": {"pymysql": dbapi.run_sqlalchemy},
    "mariadb": {"pymysql": dbapi.run_sqlalchemy},
}
"""By scheme, and by the library that they need. The first that is installed is used."""


def query_batches(query: Query, folder: Path) -> Batches:
    """The rows of a query, in batches with the same columns.

    Args:
        query: to run.
        folder: for files while it runs.

    Raises:
        ConfigError: if no driver for such a database is installed.
        DataError: if the database cannot be reached, or does not understand the query, or a column
            has values of several types.
    """
    run = _runner(query.scheme)
    try:
        yield from run(query, folder)
    except Exception as error:
        if not _is_of_a_driver(error):
            raise
        remedy = "Correct `database` or `query`"
        if query.scheme == "sqlite":  # whose columns have no types
            remedy += "; if a column has values of several types, let the query CAST it to one"
        if "no password supplied" in str(error) and adbc.names_host(query):
            remedy = (
                "Name environment variables with the login in `user` and `password`. PGPASSWORD is"
                " used only if `database` names no host"
            )
        message = f"{query.database}: {_reason(error)}. {remedy}"
        raise DataError(hidden(message, query.password)) from error


def _runner(scheme: str) -> Runner:
    others = {f"adbc_driver_{scheme}": adbc.run, "sqlalchemy": dbapi.run_sqlalchemy}
    if find_spec("pyarrow"):
        for library, run in RUNNERS.get(scheme, others).items():
            if find_spec(library):
                return run
    raise missing_driver(scheme)


def _reason(error: Exception) -> str:
    error = getattr(error, "orig", None) or error  # SQLAlchemy has that of the driver
    match error.args:
        case (int(number), str(text)):  # of PyMySQL
            return f"{text} (error {number})"
    return str(error).strip()


def _is_of_a_driver(error: Exception) -> bool:
    module = type(error).__module__.partition(".")[0]
    is_of_arrow = isinstance(error, OSError) and error.errno is None
    return module in ERRORS or is_of_arrow
