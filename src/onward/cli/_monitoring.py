"""Reading logs and labels, and writing the findings of a monitor."""

import json
import logging
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import typer

from onward.artifacts.publishing import replacing
from onward.cli._monitor_page import monitor_page
from onward.errors import ArtifactError, DataError
from onward.monitoring.bins import Array
from onward.monitoring.documents import document
from onward.monitoring.judging import ALLOWED
from onward.monitoring.predictions import label_codes
from onward.monitoring.profile import NOTE, Profile
from onward.monitoring.tally import Tally
from onward.monitoring.unseen import UnseenCategories
from onward.monitoring.verdicts import Commands, verdict
from onward.monitoring.windows import LEAST_ROWS, Period, by_rows, by_time
from onward.schema import Field
from onward.serving.model_file import identity
from onward.serving.output_columns import probability_columns
from onward.serving.predictor import Predictor
from onward.serving.text_reading import TextReader
from onward.table.sources import Source, Table
from onward.table.sources._table import KEPT

logger = logging.getLogger(__name__)

TIME, ID, VERSION = "onward/time", "onward/id", "onward/version"  # columns of a server's log
CHUNK = 65_536  # rows held at once
LOGGED = (".parquet", ".jsonl")  # both are in the folder of a server that is running
GROWING = "*.jsonl.part"  # its last line may be incomplete


@dataclass(frozen=True)
class MonitorJob:
    """A model file, a log to compare with its training rows, and labels."""

    model: Path
    log: Path
    labels: Path | None
    on: str | None
    """The id column of labels and rows."""
    by: Period
    time: str | None
    rows: int | None
    """Rows of a window; None for windows of time, or for two halves without a time column."""

    def command(self, by: Period, labels: bool) -> str:
        """The command for the same windows, or those of another length."""
        options: dict[str, Any] = {"--time": self.time, "--rows": self.rows}
        options["--by"] = None if by == "day" else by
        if labels:
            options |= {"--labels": self.labels or "TABLE", "--on": self.on or "ID"}
        words = [f"{name} {shlex.quote(str(value))}" for name, value in options.items() if value]
        paths = shlex.join([str(self.model), str(self.log)])
        return " ".join([f"onward monitor {paths}", *words])


def watch(job: MonitorJob, output: Path | None, page: Path | None) -> bool:
    """Print the verdict, write the files asked for, and return whether to raise an alarm.

    Raises:
        ArtifactError: if an older version wrote the model file.
        DataError: if the log breaks the contract of the model.
    """
    for path in (output, page):
        if path is not None and not path.parent.is_dir():
            raise typer.BadParameter(f"{path}: there is no folder {path.parent}. Create it first")
    log = _Log(job)
    predictor, metadata = log.predictor, log.predictor.metadata
    profile = _profile(job.model, metadata)
    tally = _tally(job.model, predictor, profile)
    labels = None if job.labels is None else _labels(job, predictor)
    for part in log.parts():
        truth = None if labels is None else _truth(part, labels, predictor)
        tally.add(part.rows, part.keys, part.predictions, truth)
    for name in metadata.get("privacy", {"hide": []})["hide"]:
        for kind in ALLOWED:
            tally.examples.pop((name, kind), None)
    findings = document(profile, tally, log.period)
    if labels is not None:
        _say_labelled(job, log, labels, findings)
    result = verdict(findings, _commands(job, log.period))
    target = {"target": predictor.schema.target.name, "task": metadata["task"]}
    findings = {
        "model": {"path": str(job.model), "id": log.identity, **target},
        "log": str(job.log),
        "verdict": {"state": result.state, "sentence": result.sentence, "next": result.command},
        **findings,
    }
    typer.echo(f"{result.state}: {result.sentence}\nNext: {result.command}")
    _write(output, json.dumps(findings, ensure_ascii=False, indent=1) + "\n")
    _write(page, monitor_page(findings))
    return result.is_alarm


def _commands(job: MonitorJob, period: Period | None) -> Commands:
    again = job.command(job.by, labels=job.labels is not None)
    wider = job.command("month", labels=job.labels is not None)
    if period in (None, "month"):
        wider = f"collect more rows, then {again}"
    return Commands(again, job.command(job.by, labels=True), wider, _how_to_retrain(job.model))


def _say_labelled(
    job: MonitorJob, log: "_Log", labels: pl.DataFrame, findings: Mapping[str, Any]
) -> None:
    if log.shared_ids:
        logger.warning(
            "%s: %s rows have no label, since the id of their request names several rows. Send"
            " one row in a request, with its id in the header X-Request-Id",
            job.log,
            f"{log.shared_ids:,}",
        )
    labelled = sum(window["labelled"] for window in findings["windows"])
    if labelled or log.shared_ids or not findings["rows"]:
        logger.info(
            "%s: labels for %s of %s rows", job.labels, f"{labelled:,}", f"{findings['rows']:,}"
        )
        return
    known = f"such as {labels['id'][0]!r}" if len(labels) else "none"
    logger.warning(
        "%s: labels for none of the rows of %s. The ids of the rows are such as %r, those of the"
        " labels %s. Correct --on, or add the labels",
        job.labels,
        job.log,
        log.first_id,
        known,
    )


def _how_to_retrain(model: Path) -> str:
    if Path("dvc.yaml").exists():
        return "dvc repro"
    return f"train a new model on recent rows, then onward promote NEW {model} TABLE"


def _write(path: Path | None, text: str) -> None:
    if path is not None:
        with replacing(path) as new:
            new.write_text(text, encoding="utf-8")


def _tally(model: Path, predictor: Predictor, profile: Profile) -> Tally:
    metadata, columns = predictor.metadata, predictor.schema.columns
    fields = {field.name: field for field in columns}
    return Tally(
        predictor.schema,
        profile,
        metadata.get("reference", {}).get("columns", {}),
        [TextReader(note, fields) for note in metadata.get("text_readers", [])],
        UnseenCategories(model.read_bytes(), columns, metadata.get("codes")),
    )


def _profile(model: Path, metadata: Mapping[str, Any]) -> Profile:
    if NOTE not in metadata:
        raise ArtifactError(
            f"{model}: was exported by an earlier version, without the statistics that a monitor"
            " needs. Export it again"
        )
    return Profile.of_note(metadata[NOTE])


@dataclass(frozen=True)
class _Part:
    """Some rows of the log."""

    rows: pl.DataFrame
    keys: Array
    predictions: dict[str, Array]
    ids: pl.Series | None


class _Log:
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

    def parts(self) -> Iterator[_Part]:
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

    def _part(self, rows: pl.DataFrame, columns: tuple[Field, ...], first: int) -> _Part:
        raw = rows.select(field.name for field in columns)
        if self.period is None:
            keys = by_rows(first, len(rows), self._size)
        else:
            assert self._time is not None
            keys = self._windows_of_time(rows[KEPT + self._time].alias(self._time), self.period)
        return _Part(raw, keys, self._predictions(rows, raw), self._ids(rows))

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


def _labels(job: MonitorJob, predictor: Predictor) -> pl.DataFrame:
    """``id`` and ``label``, each id once.

    Raises:
        DataError: if an id occurs twice, or a label is not a class of the model.
    """
    assert job.labels is not None
    assert job.on is not None
    target = predictor.schema.target
    kind = (
        Field(target.name, "categorical", "text")
        if target.classes
        else Field(target.name, "numerical", "number")
    )
    frame = Source.for_path(job.labels).scan([kind], [job.on]).collect()
    table = frame.select(pl.col(KEPT + job.on).cast(pl.String).alias("id"), label=target.name)
    table = table.drop_nulls()
    twice = table.filter(pl.col("id").is_duplicated())
    if len(twice):
        raise DataError(
            f"{job.labels}: column {job.on!r} has {twice['id'][0]!r} more than once. Keep one label"
            " for each row"
        )
    if target.classes:
        unknown = table.filter(~pl.col("label").is_in(list(target.classes)))
        if len(unknown):
            raise DataError(
                f"{job.labels}: column {target.name!r} has {unknown['label'][0]!r}, which is not a"
                f" class of the model. There are {', '.join(map(repr, target.classes))}"
            )
    return table


def _truth(part: _Part, labels: pl.DataFrame, predictor: Predictor) -> Array:
    """The label of each row; -1 or NaN where it has none yet."""
    assert part.ids is not None
    frame = part.ids.alias("id").to_frame()
    matched = frame.join(labels, on="id", how="left", maintain_order="left")["label"]
    classes = predictor.schema.target.classes
    if classes:
        return label_codes(matched.to_numpy(), classes)
    numbers: Array = matched.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return numbers
