"""The labels of a log, and the findings of a monitor."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import typer

from onward.artifacts.replacing import replacing
from onward.cli._monitor_job import MonitorJob
from onward.cli._monitor_log import LogPart, MonitoredLog
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
from onward.monitoring.windows import Period, longer_period
from onward.schema import Field
from onward.serving.predictor import Predictor
from onward.serving.text_reading import TextReader
from onward.table.sources import Source
from onward.table.sources._table import KEPT
from onward.wording import format_count

logger = logging.getLogger(__name__)


def watch(job: MonitorJob, output: Path | None, page: Path | None) -> bool:
    """Print the verdict, write the files asked for, and return whether to raise an alarm.

    Raises:
        ArtifactError: if an older version wrote the model file.
        DataError: if the log breaks the contract of the model.
    """
    for path in (output, page):
        if path is not None and not path.parent.is_dir():
            raise typer.BadParameter(f"{path}: there is no folder {path.parent}. Create it first")
    log = MonitoredLog(job)
    predictor, metadata = log.predictor, log.predictor.metadata
    profile = _profile(job.model, metadata)
    tally = _tally(job.model, predictor, profile)
    labels = None if job.labels is None else _labels(job, predictor)
    for part in log.parts():
        truth = None if labels is None else _truth(part, labels, predictor)
        tally.add(part.rows, part.keys, part.predictions, truth)
    _say_versions(job, log)
    for name in metadata.get("privacy", {"hide": []})["hide"]:
        for kind in ALLOWED:
            tally.examples.pop((name, kind), None)
    findings = document(profile, tally, log.period)
    if labels is not None:
        _say_labelled(job, log, labels, findings)
    result = verdict(findings, _commands(job, log.period, tally))
    target = {"target": predictor.schema.target.name, "task": metadata["task"]}
    findings = {
        "model": {"path": str(job.model), "id": log.identity, **target},
        "log": str(job.log),
        "versions": dict(log.versions.most_common()),
        "verdict": {"state": result.state, "sentence": result.sentence, "next": result.command},
        **findings,
    }
    typer.echo(f"{result.state}: {result.sentence}\nNext: {result.command}")
    _write(output, json.dumps(findings, ensure_ascii=False, indent=1) + "\n")
    _write(page, monitor_page(findings))
    return result.is_alarm


def _commands(job: MonitorJob, period: Period | None, tally: Tally) -> Commands:
    again = job.command(job.by, labels=job.labels is not None)
    rows = {start: window.rows for start, window in tally.windows.items()}
    longer = None if period is None else longer_period(rows, period)
    wider = f"collect more rows, then {again}"
    if longer is not None:
        wider = job.command(longer, labels=job.labels is not None)
    with_labels = job.command(job.by, labels=True)
    if job.labels is not None:
        with_labels = f"add labels of the last window to {job.labels}, then {again}"
    return Commands(again, with_labels, wider, _how_to_retrain(job.model))


def _say_versions(job: MonitorJob, log: MonitoredLog) -> None:
    """Name the other model versions that rows were predicted with; of a canary they are normal."""
    others = [
        f"{version} ({format_count(rows, 'row')})"
        for version, rows in log.versions.most_common()
        if version != log.identity
    ]
    if not others:
        return
    names = f"model version{'s' * (len(others) > 1)} {', '.join(others)}"
    if log.identity in log.versions:
        logger.info("%s: has also rows of %s, which are predicted again", job.log, names)
        return
    logger.warning(
        "%s: the log is of %s, not of %s, which predicted all rows again. To monitor what was"
        " served, name the model file of that version",
        job.log,
        names,
        log.identity,
    )


def _say_labelled(
    job: MonitorJob, log: MonitoredLog, labels: pl.DataFrame, findings: Mapping[str, Any]
) -> None:
    if log.shared_ids:
        logger.warning(
            "%s: no label for %s, since the id of a request names several rows. Send"
            " one row in a request, with its id in the header X-Request-Id",
            job.log,
            format_count(log.shared_ids, "row"),
        )
    labelled = sum(window["labelled"] for window in findings["windows"])
    if labelled or log.shared_ids or not findings["rows"]:
        logger.info(
            "%s: labels for %s of %s",
            job.labels,
            f"{labelled:,}",
            format_count(findings["rows"], "row"),
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
                f" class of the model. Correct the labels: the classes are"
                f" {', '.join(map(repr, target.classes))}, and the `spellings` of the config do not"
                " apply here"
            )
    return table


def _truth(part: LogPart, labels: pl.DataFrame, predictor: Predictor) -> Array:
    """The label of each row; -1 or NaN where it has none yet."""
    assert part.ids is not None
    frame = part.ids.alias("id").to_frame()
    matched = frame.join(labels, on="id", how="left", maintain_order="left")["label"]
    classes = predictor.schema.target.classes
    if classes:
        return label_codes(matched.to_numpy(), classes)
    numbers: Array = matched.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return numbers
