"""A query of a database, and what its driver is called."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from onward.errors import ConfigError
from onward.table.remote.batches import Batches

EXTRAS = {
    "bigquery": "bigquery",
    "duckdb": "duckdb",
    "mariadb": "mysql",
    "mysql": "mysql",
    "postgresql": "sql",
    "snowflake": "snowflake",
    "sqlite": "sql",
}
"""Of this package, by scheme."""


@dataclass(frozen=True)
class Query:
    """A query, and the database that it is for."""

    database: str
    text: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def scheme(self) -> str:
        """The kind of database."""
        return self.database.partition(":")[0]


Runner = Callable[[Query, Path], Batches]
"""Runs a query, with a folder for files meanwhile."""


def missing_driver(scheme: str) -> ConfigError:
    """An error that names what to install."""
    extra = EXTRAS.get(scheme)
    install = (
        f"the extra {extra}, as in `pip install 'onward[{extra}]'`"
        if extra
        else f"its ADBC driver (adbc-driver-{scheme}), or SQLAlchemy with its dialect and driver:"
        " see docs/sources.md"
    )
    return ConfigError(
        f"{scheme}: the driver of this kind of database is not installed. Install {install}"
    )
