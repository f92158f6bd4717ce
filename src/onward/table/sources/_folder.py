"""Tables in many files, concatenated."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import polars as pl

from onward.errors import DataError
from onward.schema import Field
from onward.table.sources._table import Table

NOTHING = "__HIVE_DEFAULT_PARTITION__"  # folder name for a missing value

ANY = "**/*"


def files_in(folder: Path, pattern: str) -> list[Path]:
    """Matching files, sorted by name; names beginning with a dot or underscore are ignored.

    Raises:
        DataError: if there is none, or not all of them belong to the table.
    """
    _refuse_lakes(folder)
    files = [
        path
        for path in folder.glob(pattern)
        if path.is_file()
        and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    ]
    if not files and pattern == ANY:
        raise DataError(f"{folder}: the folder has no file. Correct the path")
    if not files:
        raise DataError(f"{folder}: no file in it matches {pattern!r}. Correct `files` or `path`")
    return sorted(files)


def refuse_other_columns(parts: Sequence[Table]) -> None:
    """Raise a `DataError` if a part has other columns than the first one."""
    wanted = parts[0].names()
    for part in parts[1:]:
        differs = sorted(set(wanted) ^ set(part.names()))
        if differs:
            which = "no" if differs[0] in wanted else "also"
            raise DataError(
                f"{part.path}: there is {which} column {differs[0]!r}, unlike in {parts[0].path}."
                " Give all files the same columns, move some to another folder, or narrow `files`"
                " in a config"
            )


def _refuse_lakes(folder: Path) -> None:
    """Raise a `DataError` if the folder has a log that says which files are still in the table."""
    if (folder / "_delta_log").is_dir():
        name = "delta"
    elif any(folder.glob("metadata/*.metadata.json")):
        name = "iceberg"
    else:
        return
    raise DataError(
        f"{folder}: this is a table of the type {name}, which has files that are no longer part of"
        f" it. Write a config with the source {{type: {name}, table: {folder}, path: ...}}, and run"
        " `onward collect`"
    )


class Folder(Table):
    """Files with equal columns, sorted by name.

    A folder on the way named ``key=value`` is one more column, as Hive writes it.
    """

    def __init__(self, path: Path, pattern: str, part: Callable[[Path], Table]) -> None:
        self.path, self.pattern, self.part = path, pattern, part

    @cached_property
    def parts(self) -> tuple[Table, ...]:
        """Open a table for each file.

        Raises:
            DataError: if there is none, or their columns differ.
        """
        files = files_in(self.path, self.pattern)
        parts = tuple(_part(self.part(file), _keys(file.relative_to(self.path))) for file in files)
        refuse_other_columns(parts)
        return parts

    def names(self) -> list[str]:
        """Column names of the first file."""
        return self.parts[0].names()

    def num_rows(self) -> int:
        """Number of rows in all files."""
        return sum(part.num_rows() for part in self.parts)

    def units(self) -> list[Table]:
        """The units of all files."""
        return [unit for part in self.parts for unit in part.units()]

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """The rows of all files; mixed number types get the widest type."""
        frames = [part.read(names) for part in self.parts]
        try:
            rows = pl.concat(frames, how="vertical_relaxed")
            rows.collect_schema()
        except pl.exceptions.SchemaError as error:
            raise DataError(
                f"{self.path}: a column has incompatible types in two files ({error})."
                " Write both in the same way"
            ) from error
        return rows

    def scan(self, fields: Sequence[Field], kept: Sequence[str] = ()) -> pl.LazyFrame:
        """Read each file separately, so that messages name it."""
        how: Literal["vertical", "vertical_relaxed"] = "vertical_relaxed" if kept else "vertical"
        return pl.concat([part.scan(fields, kept) for part in self.parts], how=how)

    def scan_with_faults(self, fields: Sequence[Field]) -> pl.LazyFrame:
        """The rows of each file, read with its own number format."""
        parts = [part.scan_with_faults(fields) for part in self.parts]
        return pl.concat(parts, how="vertical_relaxed")

    def head(self, rows: int) -> pl.DataFrame:
        """Equally many first rows of each file."""
        rows_per_file = -(-rows // len(self.parts))
        return pl.concat([part.head(rows_per_file) for part in self.parts], how="vertical_relaxed")


def _keys(file: Path) -> dict[str, str | None]:
    """Hive partition values of a file, from its folder names."""
    pairs = [part.partition("=") for part in file.parts[:-1]]
    return {
        unquote(key): None if value == NOTHING else unquote(value)
        for key, mark, value in pairs
        if mark and key
    }


def _part(table: Table, keys: Mapping[str, str | None]) -> Table:
    return _Partition(table, keys) if keys else table


class _Partition(Table):
    """A file in Hive partition folders; its own columns take precedence."""

    def __init__(self, table: Table, keys: Mapping[str, str | None]) -> None:
        self.table, self.keys = table, keys
        self.path, self.numerals, self.offset = table.path, table.numerals, table.offset

    def names(self) -> list[str]:
        """Columns of the file, then those of the folders."""
        return list(dict.fromkeys([*self.table.names(), *self.keys]))

    def num_rows(self) -> int:
        """Number of rows in the file."""
        return self.table.num_rows()

    def units(self) -> list[Table]:
        """The units of the file, with the values of the folders."""
        return [_Partition(unit, self.keys) for unit in self.table.units()]

    def position(self, row: int) -> str:
        """The position in the file."""
        return self.table.position(row)

    def read(self, names: Sequence[str]) -> pl.LazyFrame:
        """The columns of the file; values from folder names are text."""
        inside = self.table.names()
        says = {name: self.keys[name] for name in names if name not in inside}
        # a column of the file says how many rows there are, where only folders are asked for
        rows = self.table.read([name for name in names if name in inside] or inside[:1])
        columns = [pl.lit(value, pl.String).alias(name) for name, value in says.items()]
        return rows.with_columns(columns).select(names)
