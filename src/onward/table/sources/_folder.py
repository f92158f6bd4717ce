"""Tables in many files, one below the other."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import polars as pl

from onward.errors import DataError
from onward.schema import Field
from onward.table.sources._table import Table

NOTHING = "__HIVE_DEFAULT_PARTITION__"  # in the name of a folder, where a value is missing


def files_in(folder: Path, pattern: str) -> list[Path]:
    """Files that match, ordered by name; those behind a dot or an underscore are no tables.

    Raises:
        DataError: if there is none.
    """
    found = [
        path
        for path in folder.glob(pattern)
        if path.is_file()
        and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    ]
    if not found:
        raise DataError(f"{folder}: no file in it matches {pattern!r}. Correct `files` or `path`")
    return sorted(found)


class Folder(Table):
    """Files with equal columns, in the order of their names.

    A folder on the way named ``key=value`` is one more column, as Hive writes it.
    """

    def __init__(self, path: Path, pattern: str, part: Callable[[Path], Table]) -> None:
        self.path, self.pattern, self.part = path, pattern, part

    @cached_property
    def parts(self) -> tuple[Table, ...]:
        """A table for each file.

        Raises:
            DataError: if there is none, or their columns differ.
        """
        files = files_in(self.path, self.pattern)
        parts = tuple(_part(self.part(file), _keys(file.relative_to(self.path))) for file in files)
        wanted = parts[0].names()
        for part in parts[1:]:
            differs = sorted(set(wanted) ^ set(part.names()))
            if differs:
                which = "no" if differs[0] in wanted else "also"
                raise DataError(
                    f"{part.path}: there is {which} column {differs[0]!r}, unlike in"
                    f" {parts[0].path}. Give all files the same columns, or narrow `files`"
                )
        return parts

    def names(self) -> list[str]:
        """As in the first file."""
        return self.parts[0].names()

    def num_rows(self) -> int:
        """Those of all files."""
        return sum(part.num_rows() for part in self.parts)

    def units(self) -> list[Table]:
        """Those of each file."""
        return [unit for part in self.parts for unit in part.units()]

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """The rows of all files; numbers of several types get the widest."""
        frames = [part.read(names) for part in self.parts]
        try:
            rows = pl.concat(frames, how="vertical_relaxed")
            rows.collect_schema()
        except pl.exceptions.SchemaError as error:
            raise DataError(
                f"{self.path}: a column has types in two files that do not go together ({error})."
                " Write both in the same way"
            ) from error
        return rows

    def scan(self, fields: Sequence[Field], kept: Sequence[str] = ()) -> pl.LazyFrame:
        """Each file is read as if it were alone, so that messages name it."""
        how: Literal["vertical", "vertical_relaxed"] = "vertical_relaxed" if kept else "vertical"
        return pl.concat([part.scan(fields, kept) for part in self.parts], how=how)

    def inspected(self, fields: Sequence[Field]) -> pl.LazyFrame:
        """Each file as it spells its numbers."""
        parts = [part.inspected(fields) for part in self.parts]
        return pl.concat(parts, how="vertical_relaxed")

    def head(self, rows: int) -> pl.DataFrame:
        """The first rows of each file, as many from each."""
        each = -(-rows // len(self.parts))
        return pl.concat([part.head(each) for part in self.parts], how="vertical_relaxed")


def _keys(file: Path) -> dict[str, str | None]:
    """What the folders of a file say."""
    pairs = [part.partition("=") for part in file.parts[:-1]]
    return {
        unquote(key): None if value == NOTHING else unquote(value)
        for key, mark, value in pairs
        if mark and key
    }


def _part(table: Table, keys: Mapping[str, str | None]) -> Table:
    return _Partition(table, keys) if keys else table


class _Partition(Table):
    """A file in folders that say more about its rows; a column of the file itself goes first."""

    def __init__(self, table: Table, keys: Mapping[str, str | None]) -> None:
        self.table, self.keys = table, keys
        self.path, self.numerals, self.offset = table.path, table.numerals, table.offset

    def names(self) -> list[str]:
        """Those of the file, then the folders'."""
        return list(dict.fromkeys([*self.table.names(), *self.keys]))

    def num_rows(self) -> int:
        """Those of the file."""
        return self.table.num_rows()

    def units(self) -> list[Table]:
        """Those of the file, in the same folders."""
        return [_Partition(unit, self.keys) for unit in self.table.units()]

    def place(self, row: int) -> str:
        """As the file says it."""
        return self.table.place(row)

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """What the folders say is text."""
        inside = self.table.names()
        says = {name: self.keys[name] for name in names if name not in inside}
        # a column of the file says how many rows there are, where only folders are asked for
        rows = self.table.read([name for name in names if name in inside] or inside[:1])
        columns = [pl.lit(value, pl.String).alias(name) for name, value in says.items()]
        return rows.with_columns(columns).select(names)
