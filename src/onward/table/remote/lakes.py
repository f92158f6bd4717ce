"""Tables of Delta Lake and Apache Iceberg, read by polars."""

import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from onward.errors import DataError
from onward.table.remote import batches as sizes
from onward.table.remote.batches import Batches, refuse_missing

MODULES = (
    "_internal",
    "deltalake",
    "polars",
    "pyarrow",
    "pydantic",
    "pydantic_core",
    "pyiceberg",
    "sqlalchemy",
)
"""Whose errors are about the table; the first is what deltalake calls its library in Rust."""
CONTEXT = "\n\nThis error occurred with the following context stack:"  # of polars, behind an error


def delta_batches(table: str, version: int | None) -> Batches:
    """The rows of a Delta table, in the order of its files.

    Args:
        table: path of its folder, or an address such as ``s3://bucket/orders``.
        version: number of the version; None for the latest.

    Raises:
        ConfigError: if the extra is not installed.
        DataError: if the table cannot be read.
    """
    refuse_missing(table, "delta", "deltalake")
    yield from _batches(table, lambda: pl.scan_delta(table, version=version), "`table`")


def iceberg_batches(table: str, catalog: str | None, version: int | None) -> Batches:
    """The rows of an Iceberg table, in the order of its files.

    Args:
        table: ``namespace.name`` in the catalog; without one the path of the table's folder, or of
            its file ``....metadata.json``.
        catalog: name in the configuration of pyiceberg.
        version: id of a snapshot of the table; None for the current one.

    Raises:
        ConfigError: if the extra is not installed.
        DataError: if the table cannot be read.
    """
    refuse_missing(table, "iceberg", "pyiceberg")

    def scan() -> pl.LazyFrame:
        if catalog is None:
            source = _static(table)
        else:
            source = import_module("pyiceberg.catalog").load_catalog(catalog).load_table(table)
        return pl.scan_iceberg(source, snapshot_id=version)

    yield from _batches(table, scan, "`catalog`, `table`")


def _batches(table: str, scan: Callable[[], pl.LazyFrame], settings: str) -> Batches:
    try:
        # polars recommends another planner of Iceberg, which is not needed for one whole reading
        with warnings.catch_warnings(action="ignore", category=pl.exceptions.PerformanceWarning):
            parts = scan().collect_batches(chunk_size=sizes.BATCH, maintain_order=True)
            for part in parts:
                yield from part.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches()
    except Exception as error:
        module = type(error).__module__.partition(".")[0]
        if module not in MODULES and not isinstance(error, OSError | ValueError | OverflowError):
            raise
        reason = str(error).partition(CONTEXT)[0].strip()
        raise DataError(f"{table}: {reason}. Correct {settings} or `version`") from error


def _static(path: str) -> Any:
    """A table without a catalog.

    pyiceberg's own loader takes the class that opens files from the table, which could name any.
    """
    tables: Any = import_module("pyiceberg.table")
    load_file_io: Any = import_module("pyiceberg.io").load_file_io
    serializers: Any = import_module("pyiceberg.serializers")
    catalog: Any = import_module("pyiceberg.catalog.noop").NoopCatalog("onward")
    location = path
    if not path.endswith(".metadata.json"):
        location = tables.StaticTable._metadata_location_from_version_hint(path)
    file_io = load_file_io({}, location)
    metadata = serializers.FromInputFile.table_metadata(file_io.new_input(location))
    return tables.StaticTable(("onward", Path(path).name), metadata, location, file_io, catalog)
