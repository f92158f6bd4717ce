"""The rows of a log: of a server's folder, or of any table."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from onward.cli._monitor_job import MonitorJob
from onward.errors import DataError
from onward.monitoring.bins import Array
from onward.monitoring.windows import LEAST_ROWS, Period, by_rows, by_time
from onward.schema import Field
from onward.serving.model_file import identity
from onward.serving.output_columns import probability_columns
from onward.serving.predictor import Predictor
from onward.table.sources import Source, Table
from onward.table.sources._table import KEPT

logger = logging.getLogger(__name__)

TIME, ID, VERSION = "onward/time", "onward/id", "onward/version"  # columns of a server's log
CHUNK = 65_536  # rows held at once
LOGGED = (".parquet", ".jsonl")  # both are in the folder of a server that is running
GROWING = "*.jsonl.part"  # its last line may be incomplete


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
        self._names = self._tables[0].names()
        self.first_id: str | None = None
        """Of a row, for messages."""
        self.shared_ids = 0
        """Rows of requests with several rows."""

    @cached_property
    def period(self) -> Period | None:
        """The length of a window; None if windows are counted in rows."""
        return self._job.by if self._job.rows is None and self._time is not None else None

    @property
    def _time(self) -> str | None:
        named = self._job.time
        if named is not None and named not in self._names:
            raise DataError(f"{self._job.log}: there is no column {named!r}. Correct --time")
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
        raise DataError(f"{self._job.log}: there is no column {on!r}. Correct --on")

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
        first = 0
        for table in self._tables:
            for rows in table.scan_parts(columns, list(dict.fromkeys(kept)), CHUNK):
                if len(rows):
                    yield self._part(rows, columns, first)
                    first += len(rows)

    def _part(self, rows: pl.DataFrame, columns: tuple[Field, ...], first: int) -> LogPart:
        raw = rows.select(field.name for field in columns)
        if self.period is None:
            keys = by_rows(first, len(rows), self._size)
        else:
            assert self._time is not None
            keys = self._windows_of_time(rows[KEPT + self._time].alias(self._time), self.period)
        return LogPart(raw, keys, self._predictions(rows, raw), self._ids(rows))

    def _ids(self, rows: pl.DataFrame) -> pl.Series | None:
        """What labels are matched by; missing where a request had several rows."""
        if self._id is None:
            return None
        ids = rows[KEPT + self._id].cast(pl.String)
        self.first_id = self.first_id or ids[0]
        if self._id != ID:
            return ids
        of_request = [KEPT + name for name in (ID, TIME) if KEPT + name in rows.columns]
        is_shared = rows.select(of_request).is_duplicated()
        self.shared_ids += int(is_shared.sum())
        return pl.select(pl.when(~is_shared).then(ids)).to_series()

    def _windows_of_time(self, times: pl.Series, period: Period) -> Array:
        try:
            return by_time(times, period)
        except DataError as error:
            raise DataError(f"{self._job.log}: {error}") from error

    def _predictions(self, rows: pl.DataFrame, raw: pl.DataFrame) -> dict[str, Array]:
        """The logged predictions if this file made all of them, otherwise new ones."""
        if self._outputs and self._is_of_this_file(rows):
            return {
                name: rows[KEPT + names[0]].to_numpy()
                if name != "probabilities"
                else rows.select(KEPT + column for column in names).to_numpy()
                for name, names in self._outputs.items()
            }
        if len(raw.columns) < len(self.predictor.schema.columns):
            raise DataError(
                f"{self._job.log}: has rows of another version than {self.identity}, and not all"
                " columns of the model, so they cannot be predicted again. Monitor a folder without"
                " the parts of other versions, or serve without --log-columns"
            )
        return self.predictor(raw)

    @cached_property
    def identity(self) -> str:
        """Of the model file."""
        return identity(self._job.model.read_bytes())

    def _is_of_this_file(self, rows: pl.DataFrame) -> bool:
        return bool((rows[KEPT + VERSION].cast(pl.String) == self.identity).all())


def log_tables(path: Path) -> Iterator[Table]:
    """The table; of a server's folder with parts in two formats, several tables."""
    finished, growing = (sorted(path.glob(f"*{suffix}")) for suffix in LOGGED)
    _say_unread(path, is_alone=not finished and not growing)
    if not finished or not growing:
        yield Source.for_path(path)
        return
    config = Source.config_for(finished[0])
    yield Source.open(config.model_copy(update={"path": path, "files": f"*{LOGGED[0]}"}))
    for part in growing:
        if part.with_suffix(LOGGED[0]) not in finished:  # else it is being converted
            yield Source.for_path(part)


def _say_unread(path: Path, *, is_alone: bool) -> None:
    """Name the parts of a log that a server still writes."""
    unread = sorted(path.glob(GROWING))
    if not unread:
        return
    if is_alone:
        raise DataError(
            f"{path}: no part of the log is finished. The server finishes a part after five minutes"
            " or 50,000 rows, and when it ends. If none is running, rename"
            f" {unread[0].name} to {unread[0].with_suffix('').name}"
        )
    logger.info(
        "%s: %d of the parts are still written and not read, such as %s",
        path,
        len(unread),
        unread[0].name,
    )
