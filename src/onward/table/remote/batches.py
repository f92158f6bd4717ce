"""Batches of Arrow columns, made alike whatever driver they come from."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from onward.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 65_536  # rows
Batches = Generator["pa.RecordBatch", None, None]


def even_tables(batches: Iterable["pa.RecordBatch"]) -> Iterator["pa.Table"]:
    """Tables of `BATCH` rows, so that equal rows give equal files; the last one has fewer."""
    import pyarrow as pa

    rest = None
    for batch in batches:
        table = _plain(pa.Table.from_batches([batch]))
        rest = table if rest is None else pa.concat_tables([rest, table])
        while len(rest) >= BATCH:
            # a file depends on the chunks, which are those of the driver
            yield rest.slice(0, BATCH).combine_chunks()
            rest = rest.slice(BATCH)
    if rest is not None and len(rest):
        yield rest.combine_chunks()


def refuse_missing(where: str, extra: str, *libraries: str) -> None:
    """Raise a `ConfigError` that names the extra, if a library is not installed."""
    for library in (*libraries, "pyarrow"):
        if not find_spec(library):
            raise ConfigError(
                f"{where}: the library {library!r} is not installed. Install the extra {extra}:"
                f" `pip install 'onward[{extra}]'`"
            )


def refuse_repeated(where: str, names: Sequence[str]) -> None:
    """Raise a `DataError` if two columns have the same name."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(
            f"{where}: there are {names.count(repeated[0])} columns {repeated[0]!r}. Name all but"
            " one otherwise, in SQL with AS"
        )


def _plain(table: "pa.Table") -> "pa.Table":
    """Only types that the readers of tables know.

    Decimals become texts, since they have more digits than a float64; times with a zone are in UTC;
    the parts of an object become columns named ``object.part``; types of one database become those
    that they are stored as.
    """
    import pyarrow as pa

    while True:
        arrays = [_plain_column(column) for column in table.columns]
        table = pa.Table.from_arrays(arrays, names=table.column_names)
        if not any(pa.types.is_struct(column.type) for column in arrays):
            return table
        table = table.flatten()


def _plain_column(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa

    if isinstance(column.type, pa.BaseExtensionType):
        storage = [chunk.storage for chunk in column.chunks]
        return _plain_column(pa.chunked_array(storage, column.type.storage_type))
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        return column.cast(pa.timestamp(column.type.unit, "UTC"))
    return column.cast(pa.string()) if pa.types.is_decimal(column.type) else column
