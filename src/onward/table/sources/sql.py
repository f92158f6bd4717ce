"""Results of database queries."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from onward.table.remote.batches import Batches
from onward.table.remote.credentials import Public, Variable, refusal, refuse_others, value_of
from onward.table.remote.databases import query_batches
from onward.table.remote.query import Query
from onward.table.sources._snapshot import Snapshot

QUOTED = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/""", re.VERBOSE | re.DOTALL
)
READING = re.compile(r"[\s(]*(?:select|with|values)\b", re.IGNORECASE)
WRITING = re.compile(r"\binto\b", re.IGNORECASE)
EXECUTED_COMMENT = re.compile(r"/\*M?!")  # MySQL runs what is in it
STANDARD_QUOTES = ("sqlite", "duckdb", "postgresql", "snowflake", "bigquery")
"""Databases in which INTO in quotes is text, or writes nothing."""
FILES = ("sqlite:", "duckdb:")
ADDRESS = r"^((sqlite|duckdb):.+|[a-z][a-z0-9]*(\+[a-z0-9_]+)?://.*)$"
PARAMETERS = {
    *(
        "charset",
        "connect_timeout",
        "read_timeout",
        "role",
        "schema",
        "service_name",
        "ssl_ca",
        "ssl_cert",
    ),
    *("ssl_check_hostname", "ssl_key", "warehouse"),
}
"""Of an address. Others can run statements or load libraries, such as ``init_command``."""
PARAMETERS_OF_POSTGRESQL = {
    *("application_name", "connect_timeout", "sslcert", "sslkey", "sslmode", "sslrootcert"),
}
"""Others read or write files, such as ``passfile``, ``service`` and ``sslkeylogfile``."""


def _one_reading(query: str) -> str:
    bare = QUOTED.sub(" ", query).strip().removesuffix(";")
    is_writing = WRITING.search(bare) or EXECUTED_COMMENT.search(query)
    if ";" in bare or not READING.match(bare) or is_writing:
        raise ValueError(
            "this is not a single reading statement. Begin with SELECT, WITH or VALUES, and leave"
            " out INTO and other statements"
        )
    return query


def _address(database: str) -> str:
    if not re.fullmatch(ADDRESS, database):
        raise refusal(
            "not an address of a database. Write it as sqlite:shop.db or mysql://host:3306/shop"
        )
    if not database.startswith(FILES):
        is_postgresql = database.startswith("postgresql")
        refuse_others(database, PARAMETERS_OF_POSTGRESQL if is_postgresql else PARAMETERS)
    return database


Database = Annotated[
    Public, AfterValidator(_address), Field(json_schema_extra={"pattern": ADDRESS})
]


class Sql(Snapshot):
    """The rows of a query of a database, of which `onward collect` takes a snapshot."""

    class Config(Snapshot.Config):
        """``database`` is an address, such as ``sqlite:shop.db`` or ``mysql://host/shop``.

        ``user`` and ``password`` are names of environment variables.
        """

        type: Literal["sql"] = "sql"
        database: Database
        query: Annotated[str, StringConstraints(min_length=1), AfterValidator(_one_reading)]
        user: Variable | None = None
        password: Variable | None = None

        @model_validator(mode="after")
        def _writes_no_file(self) -> Self:
            # \' ends no text in MySQL, and --x is no comment, so INTO may stand outside of both
            is_standard = self.database.partition(":")[0] in STANDARD_QUOTES
            if not is_standard and WRITING.search(self.query):
                raise refusal(
                    "`query` has the word INTO, which is refused for this kind of database also in"
                    " quotes and comments. Leave it out"
                )
            return self

    config: Config
    content = ("database", "query")

    @classmethod
    def batches(cls, config: Config, folder: Path) -> Batches:
        """The rows that the query finds."""
        user, password = value_of(config.user), value_of(config.password)
        return query_batches(Query(config.database, config.query, user, password), folder)
