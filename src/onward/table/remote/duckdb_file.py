"""Queries of DuckDB files."""

from importlib import import_module
from pathlib import Path
from typing import Any

from onward.errors import DataError
from onward.table.remote import batches as sizes
from onward.table.remote.batches import Batches
from onward.table.remote.query import Query

CLOSED = {
    "enable_external_access": "false",
    "lock_configuration": "true",
}
"""The query reads this database, and no other file or address."""


def run(query: Query, _: Path) -> Batches:
    """The rows of the query, which cannot write."""
    duckdb: Any = import_module("duckdb")
    path = Path(query.database.removeprefix("duckdb:"))
    if not path.is_file():
        raise DataError(f"{query.database}: there is no such file. Correct `database`")
    with duckdb.connect(str(path), read_only=True, config=CLOSED) as connection:
        yield from connection.sql(query.text).to_arrow_reader(sizes.BATCH)
