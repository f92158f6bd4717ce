"""The parts in which a table is predicted: files, and row groups of Parquet files."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from onward.cli._cloud import file_system, is_url
from onward.cli._predictions import open_table
from onward.cli._source import source_of
from onward.errors import DataError
from onward.table.sources import Source, Table


@dataclass(frozen=True)
class Unit:
    """Rows whose predictions are one file."""

    number: int
    """From 0, in the order of the table."""
    file: str
    """Its name; below the folder or the URL, if that is the table."""
    size: int
    """Of the file, in bytes."""
    table: Table | None
    """The rows; None for an object in a bucket."""


def units_of(path: str, config: Path | None) -> list[Unit]:
    """All units of a table.

    An object in a bucket is one unit, since it is copied to this machine to be read.

    Raises:
        DataError: if the table is not there, or its files differ in their columns.
    """
    if is_url(path):
        objects = _objects(path, config)
        return [Unit(number, *object, None) for number, object in enumerate(objects)]
    root = Path(path)
    tables = open_table(root, config).units()
    return [
        Unit(number, _name(table.path, root), table.path.stat().st_size, table)
        for number, table in enumerate(tables)
    ]


@contextmanager
def open_unit(unit: Unit, path: str, config: Path | None) -> Iterator[Table]:
    """The rows of a unit; an object in a bucket is on this machine meanwhile.

    Raises:
        DataError: if it cannot be read.
    """
    if unit.table is not None:
        yield unit.table
        return
    system, root = file_system(path)
    is_file = PurePosixPath(root).name == unit.file and system.isfile(root)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / unit.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        system.get_file(root if is_file else f"{root}/{unit.file}", str(copy))
        try:
            yield open_table(copy if is_file else Path(folder), config)
        except DataError as error:
            start = path.removesuffix(unit.file) if is_file else f"{path.rstrip('/')}/"
            raise DataError(str(error).replace(f"{folder}/", start)) from error


def _name(file: Path, root: Path) -> str:
    return file.name if file == root else file.relative_to(root).as_posix()


def _objects(url: str, config: Path | None) -> list[tuple[str, int]]:
    """Names and sizes, in the order of the names."""
    system, root = file_system(url)
    files = None if config is None else source_of(config).files
    if system.isfile(root):
        return [(PurePosixPath(root).name, system.size(root))]
    paths = system.glob(f"{root}/{files}") if files else system.find(root)
    names = sorted(path.removeprefix(f"{root}/") for path in paths)
    names = [name for name in names if _is_table(name)]
    endings = {Source.suffix(name) for name in names}
    if len(endings) != 1:
        kinds = f"tables that end in {', '.join(sorted(endings))}" if endings else "no table"
        raise DataError(f"{url}: there is {kinds}. Name an object, or a prefix with one kind")
    return [(name, system.size(f"{root}/{name}")) for name in names]


def _is_table(name: str) -> bool:
    is_hidden = any(part.startswith((".", "_")) for part in name.split("/"))
    return bool(Source.suffix(name)) and not is_hidden
