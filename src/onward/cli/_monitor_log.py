"""The rows of a log: of a server's folder, or of any table."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path

import polars as pl

from onward.cli._monitor_job import MonitorJob
from onward.errors import DataError, suggestion
from onward.monitoring.bins import Array
from onward.monitoring.windows import LEAST_ROWS, Period, by_rows, by_time
from onward.serving.model_file import identity
from onward.serving.output_columns import probability_columns
from onward.serving.predictor import Predictor
from onward.table.sources import Source, Table
from onward.table.sources._folder import ANY, files_in, refuse_other_columns
from onward.table.sources._table import KEPT
from onward.wording import format_count

logger = logging.getLogger(__name__)

TIME, ID, VERSION = "onward/time", "onward/id", "onward/version"  # columns of a server's log
CHUNK = 65_536  # rows held at once
USUAL_PERIOD: Period = "day"
LOGGED = {".parquet", ".jsonl"}  # both are in the folder of a server that is running
GROWING = ".jsonl.part"  # its last line may be incomplete


@dataclass(frozen=True)
class LogPart:
    """Some rows of the log."""

    rows: pl.DataFrame
    keys: Array
    predictions: dict[str, Array]
    ids: pl.Series | None


class MonitoredLog:
    """The rows of the log, read in parts."""

    def __init__(self, job: MonitorJob) -> None:
        self._job = job
        self.predictor = Predictor(job.model, unreadable="missing")
        self._tables = list(log_tables(job.log))
        refuse_other_columns(self._tables)
        self._names = self._tables[0].names()
        self.first_id: str | None = None
        """Of a row, for messages."""
        self.shared_ids = 0
        """Rows of requests with several rows."""
        self.versions = Counter[str]()
        """Rows by the version of the model that a server predicted them with."""

    @cached_property
    def period(self) -> Period | None:
        """The length of a window; None if windows are counted in rows."""
        if self._job.rows is not None:
            return None
        if self._time is not None:
            return self._job.by or USUAL_PERIOD
        if self._job.by is not None:
            raise DataError(
                f"{self._job.log}: there is no column {TIME!r}, which --by needs. Name the column"
                " of times with --time, or leave out --by"
            )
        return None

    @property
    def _time(self) -> str | None:
        named = self._job.time
        if named is not None and named not in self._names:
            known = suggestion(named, self._names)
            raise DataError(f"{self._job.log}: there is no column {named!r} (--time). {known}")
        return named or (TIME if TIME in self._names else None)

    @cached_property
    def _size(self) -> int:
        """Rows of a window."""
        if self._job.rows is not None:
            return self._job.rows
        return max(LEAST_ROWS, -(-sum(table.num_rows() for table in self._tables) // 2))

    @cached_property
    def _id(self) -> str | None:
        on = self._job.on
        if on is None or on in self._names:
            return on
        if ID in self._names:
            return ID
        known = suggestion(on, self._names)
        raise DataError(f"{self._job.log}: there is no column {on!r} (--on). {known}")

    @cached_property
    def _outputs(self) -> dict[str, list[str]]:
        """The columns of the log with each output; empty unless the log has all outputs."""
        classes = self.predictor.schema.target.classes
        wanted = {
            name: probability_columns(classes) if name == "probabilities" else [name]
            for name in self.predictor.outputs
        }
        inputs = {field.name for field in self.predictor.schema.columns}
        is_there = {name for names in wanted.values() for name in names} <= {*self._names} - inputs
        return wanted if is_there and VERSION in self._names else {}

    def parts(self) -> Iterator[LogPart]:
        """All rows.

        Raises:
            DataError: naming file, column, row and value that break the contract.
        """
        columns = self.predictor.schema.columns
        if self._outputs:  # a server may log some of the columns only
            columns = tuple(field for field in columns if field.name in self._names)
        kept = [name for names in self._outputs.values() for name in names]
        kept += [name for name in (self._time, self._id, TIME, VERSION) if name in self._names]
        names = list(dict.fromkeys(kept))
        chunks = (
            rows
            for table in self._tables
            for rows in table.scan_parts(columns, names, CHUNK)
            if len(rows)
        )
        first, before, end = 0, pl.DataFrame(), pl.DataFrame()
        for rows, following in pairwise(chain(chunks, [end])):
            raw = rows.select(field.name for field in columns)
            neighbors = [part for part in (before, following.head(1)) if len(part)]
            ids = self._ids(rows, neighbors)
            if VERSION in self._names:
                self.versions.update(rows[KEPT + VERSION].drop_nulls().cast(pl.String).to_list())
            yield LogPart(raw, self._windows(rows, first), self._predictions(rows, raw), ids)
            first, before = first + len(rows), rows.tail(1)

    def _windows(self, rows: pl.DataFrame, first: int) -> Array:
        """The window of each row."""
        if self.period is None:
            return by_rows(first, len(rows), self._size)
        assert self._time is not None
        try:
            return by_time(rows[KEPT + self._time].alias(self._time), self.period)
        except DataError as error:
            raise DataError(f"{self._job.log}: {error}") from error

    def _ids(self, rows: pl.DataFrame, neighbors: Sequence[pl.DataFrame]) -> pl.Series | None:
        """What labels are matched by; missing where a request had several rows.

        Args:
            rows: of the log.
            neighbors: the row before and the row after them, which may be of the same request.
        """
        if self._id is None:
            return None
        ids = rows[KEPT + self._id].cast(pl.String)
        self.first_id = self.first_id or ids[0]
        if self._id != ID:
            return ids
        # two files may store times in two types, and share no request
        of_request = pl.col(KEPT + name for name in (ID, TIME) if name in self._names)
        keys = [part.select(of_request.cast(pl.String)) for part in (rows, *neighbors)]
        is_shared = pl.concat(keys).is_duplicated().head(len(rows))
        self.shared_ids += int(is_shared.sum())
        return pl.select(pl.when(~is_shared).then(ids)).to_series()

    def _predictions(self, rows: pl.DataFrame, raw: pl.DataFrame) -> dict[str, Array]:
        """The logged predictions if this file made all of them, otherwise new ones."""
        if self._outputs and self._is_complete(rows):
            return {
                name: rows[KEPT + names[0]].to_numpy()
                if name != "probabilities"
                else rows.select(KEPT + column for column in names).to_numpy()
                for name, names in self._outputs.items()
            }
        if len(raw.columns) < len(self.predictor.schema.columns):
            raise DataError(
                f"{self._job.log}: has rows of another version than {self.identity}, or without"
                " all outputs, and not all columns of the model, so they cannot be predicted again."
                " Monitor a folder without such parts, or serve without --log-columns"
            )
        return self.predictor(raw)

    @cached_property
    def identity(self) -> str:
        """Of the model file."""
        return identity(self._job.model.read_bytes())

    def _is_complete(self, rows: pl.DataFrame) -> bool:
        """Whether this file has made all outputs of all rows."""
        outputs = rows.select(KEPT + name for names in self._outputs.values() for name in names)
        is_of_this_file = rows[KEPT + VERSION].cast(pl.String) == self.identity
        return bool(is_of_this_file.all()) and not any(outputs.null_count().row(0))


def log_tables(path: Path) -> Iterator[Table]:
    """The table; of a server's folder with parts in two formats, a table for each part.

    Raises:
        DataError: if there is none, or the folder has tables of other formats.
    """
    files = files_in(path, ANY) if path.is_dir() else []
    parts = [file for file in files if Source.suffix(file.name)]
    _say_unread(path, [file for file in files if file.name.endswith(GROWING)], len(parts))
    if {Source.suffix(part.name) for part in parts} != LOGGED:
        yield Source.for_path(path)
        return
    for part in parts:
        is_converted = part.suffix == ".jsonl" and part.with_suffix(".parquet") in parts
        if not is_converted:
            yield Source.for_path(part)


def _say_unread(path: Path, unread: Sequence[Path], num_parts: int) -> None:
    """Name the parts of a log that a server still writes."""
    if not unread:
        return
    if not num_parts:
        raise DataError(
            f"{path}: no part of the log is finished. The server finishes a part after five minutes"
            " or 50,000 rows, and when it ends. If none is running, rename"
            f" {unread[0].name} to {unread[0].with_suffix('').name}"
        )
    logger.info(
        "%s: %s still written and not read, such as %s",
        path,
        format_count(len(unread), "part"),
        unread[0].name,
    )
