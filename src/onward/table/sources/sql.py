"""Results of database queries in snapshots on disk, so that `prepare` needs no database."""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import AfterValidator, StringConstraints

from onward.artifacts.publishing import sha256
from onward.errors import DataError
from onward.table.sources._base import Source
from onward.table.sources._databases import Batches, query_batches
from onward.table.sources.parquet import Parquet

TABLE, SNAPSHOT = "table.parquet", "snapshot.json"
QUOTED = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/""", re.VERBOSE | re.DOTALL
)
READING = re.compile(r"[\s(]*(?:select|with|values)\b", re.IGNORECASE)
SECRETS = ("@", "password", "user=")


def _without_secrets(database: str) -> str:
    if any(mark in database.lower() for mark in SECRETS):
        raise ValueError(
            "put names and passwords into the environment (PGUSER, PGPASSWORD, PGPASSFILE),"
            " since configs are shared. Leave them out here"
        )
    return database


def _one_reading(query: str) -> str:
    bare = QUOTED.sub(" ", query).strip().removesuffix(";")
    if ";" in bare or not READING.match(bare):
        raise ValueError(
            "this is not a single reading statement. Begin with SELECT, WITH or VALUES, and leave"
            " out other statements"
        )
    return query


Database = Annotated[
    str,
    StringConstraints(pattern=r"^(sqlite:.+|postgresql://.*)$"),
    AfterValidator(_without_secrets),
]
"""``sqlite:shop.db``, or ``postgresql://host:5432/shop``, whose parts PGHOST and others replace."""


class Sql(Source):
    """The rows of a query, as collected by `onward collect`."""

    class Config(Source.Config):
        """``path`` is the folder of the snapshot."""

        type: Literal["sql"] = "sql"
        database: Database
        query: Annotated[str, StringConstraints(min_length=1), AfterValidator(_one_reading)]

    config: Config
    suffixes = {}

    def __init__(self, config: Config) -> None:
        self.config = config
        self.path = config.path
        if not (self.path / SNAPSHOT).is_file():
            raise DataError(
                f"{self.path}: there is no snapshot of the database. Run `onward collect` with this"
                " config, then `dvc repro`"
            )
        taken = json.loads((self.path / SNAPSHOT).read_text(encoding="utf-8"))
        if (taken["database"], taken["query"]) != (config.database, config.query):
            raise DataError(
                f"{self.path}: the snapshot is of another query than in the config. Run `onward"
                " collect` with this config, then `dvc repro`"
            )
        self.taken = taken

    @classmethod
    def for_folder(cls, path: Path) -> Any:
        """The settings of a snapshot; None if the folder is not a snapshot."""
        if not (path / SNAPSHOT).is_file():
            return None
        taken = json.loads((path / SNAPSHOT).read_text(encoding="utf-8"))
        return cls.Config(path=path, database=taken["database"], query=taken["query"])

    def names(self) -> list[str]:
        """Column names of the query."""
        return self._table.names()

    def num_rows(self) -> int:
        """Number of rows in the snapshot."""
        return self._table.num_rows()

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """Raw columns with the types of the database."""
        return self._table.read(names)

    @cached_property
    def _table(self) -> Parquet:
        if sha256(self.path / TABLE) != self.taken["sha256"]:
            raise DataError(
                f"{self.path / TABLE}: its hash differs from the collected one. Run `onward"
                " collect` with this config, then `dvc repro`"
            )
        return Parquet(Parquet.Config(path=self.path / TABLE))


def collect(config: Sql.Config, folder: Path) -> int:
    """Run the query, and write its rows and settings to an empty folder.

    Returns:
        The number of rows.

    Raises:
        DataError: if the query finds nothing, or cannot be run.
    """
    with query_batches(config.database, config.query) as batches:
        num_rows = _write(config, batches, folder / TABLE)
    taken = {
        "database": config.database,
        "query": config.query,
        "rows": num_rows,
        "sha256": sha256(folder / TABLE),
    }
    text = json.dumps(taken, ensure_ascii=False, indent=1)
    (folder / SNAPSHOT).write_text(f"{text}\n", encoding="utf-8")
    return num_rows


def _write(config: Sql.Config, batches: Batches, path: Path) -> int:
    from pyarrow import parquet  # an extra

    first = next(batches, None)
    if first is None or not first.num_rows:
        raise DataError(f"{config.database}: the query returns no rows. Correct `query`")
    names = first.schema.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{config.database}: the query has {names.count(twice[0])} columns {twice[0]!r}. Name"
            " all but one otherwise, with AS"
        )
    num_rows = 0
    with parquet.ParquetWriter(path, first.schema, write_page_checksum=True) as writer:
        for batch in chain([first], batches):
            writer.write_batch(batch)
            num_rows += batch.num_rows
    return num_rows
