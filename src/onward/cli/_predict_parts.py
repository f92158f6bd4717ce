"""`onward predict --jobs N --part I/N`: a file of predictions for each unit of a table."""

import json
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import typer

from onward.artifacts.publishing import sha256
from onward.cli._cloud import is_url
from onward.cli._output_folder import OutputFolder
from onward.cli._predict_table import PredictionJob
from onward.cli._predict_unit import Done, Task, predict_unit, start
from onward.cli._prediction_output import FORMATS, format_name, refuse_inside
from onward.cli._prediction_units import Unit, units_of
from onward.cli._predictions import print_unusual, progress
from onward.cli._source import source_of
from onward.errors import ArtifactError, PeerError
from onward.serving.predictor import Predictor
from onward.wording import format_count

JOB, SUCCESS, PART = "_job.json", "_SUCCESS", "part-"


def predict_parts(job: PredictionJob, jobs: int, part: tuple[int, int]) -> None:
    """Write the predictions that are not there yet, of every n-th unit from the i-th.

    A file of the output has the predictions of one unit, appears as a whole, and has the same bytes
    whoever writes it. The names of the files have the order of the table. When all are there, the
    last process adds an empty file `_SUCCESS`.

    Args:
        job: a table, and what is to be made of it.
        jobs: processes at a time.
        part: i and n.

    Raises:
        ArtifactError: if the output holds something else.
        DataError: if the table cannot be read.
        PeerError: if a process ends without a result.
    """
    _check(job)
    job = replace(job, format=format_name(job.format or "parquet", Path("part")))
    Predictor(job.model)  # refuses what is no model before anything is written
    digest, units = sha256(job.model), units_of(job.table, job.config)
    output = OutputFolder.of(str(job.output))
    _claim(output, _description(job, digest, units))
    ready = output.names()
    index, count = part
    tasks = [Task(unit, job, digest, _name(unit, job)) for unit in units[index - 1 :: count]]
    left = [task for task in tasks if task.name not in ready]
    results = _run(left, jobs)
    if {_name(unit, job) for unit in units} <= output.names():
        output.clean(PART)  # not the `_SUCCESS` of another process that ends now
        with output.writing(SUCCESS) as path:
            path.touch()
    rows, new = sum(result.rows for result in results), len(left)
    files = f"files: {new} new, {len(tasks) - new} already there"
    typer.echo(f"{job.output}: {format_count(rows, 'row')} predicted; {files}", err=True)
    print_unusual(
        [values for result in results for values in result.unusual],
        [result.unit.file for result in results for _ in result.unusual],
    )


def _check(job: PredictionJob) -> None:
    output = str(job.output)
    refuse_inside(job.table, output)
    if not is_url(output) and Path(output).is_file():
        raise typer.BadParameter(f"{output}: is a file; with --jobs or --part name a folder")
    suffix = PurePath(output).suffix
    for name, format_ in FORMATS.items():
        if suffix.lower() in format_.suffixes:
            raise typer.BadParameter(
                f"{output}: is the name of a file, and --jobs and --part write a folder of files."
                f" Give --output {output.removesuffix(suffix)}, and --format {name}; for one file"
                " leave out --jobs and --part"
            )


def _name(unit: Unit, job: PredictionJob) -> str:
    return f"{PART}{unit.number:05}{FORMATS[str(job.format)].suffixes[0]}"


def _description(job: PredictionJob, digest: str, units: Sequence[Unit]) -> dict[str, Any]:
    """All that the bytes of the output follow from."""
    files = dict[str, list[int]]()
    for unit in units:
        files.setdefault(unit.file, [unit.size, 0])[1] += 1
    source = None if job.config is None else source_of(job.config)
    return {
        "model": digest,
        "keep": job.keep if job.keep is None else [*job.keep],
        "format": job.format,
        "unreadable": job.unreadable,
        "source": source and source.model_dump(mode="json", exclude={"path"}),
        "files": files,  # bytes and units of each
    }


def _claim(output: OutputFolder, description: dict[str, Any]) -> None:
    """Note the job in an empty folder; refuse a folder of another."""
    names = output.names()
    if JOB not in names:
        if names:
            raise ArtifactError(
                f"{output.path}: holds {min(names)!r}, and no {JOB}. Name an empty folder"
            )
        with output.writing(JOB) as path:
            path.write_text(json.dumps(description, indent=1) + "\n")
    try:
        noted = json.loads(output.read(JOB))
    except ValueError as error:
        raise ArtifactError(f"{output.path}/{JOB}: damaged. Name an empty folder") from error
    differs = [key for key, value in description.items() if noted.get(key) != value]
    if differs:
        raise ArtifactError(
            f"{output.path}: holds predictions of a job with another {differs[0]!r}. Name an empty"
            f" folder, or remove this one; {JOB} in it describes the job"
        )


def _run(tasks: Sequence[Task], jobs: int) -> list[Done]:
    """In the order of the units."""
    if not tasks:
        return []
    # one thread each: bytes do not depend on the machine, and processes do not take turns
    os.environ |= {"POLARS_MAX_THREADS": "1"}
    context = multiprocessing.get_context("spawn")  # polars does not survive a fork
    results = list[Done]()
    with (
        ProcessPoolExecutor(min(jobs, len(tasks)), context, start) as pool,
        progress(len(tasks), "files") as advance,
    ):
        try:
            for future in as_completed([pool.submit(predict_unit, task) for task in tasks]):
                results.append(future.result())
                advance(1)
        except BrokenProcessPool as error:
            raise PeerError(
                "a process ended without a result, perhaps because memory ran out. Run the command"
                " again with fewer --jobs: it resumes"
            ) from error
        finally:
            if len(results) < len(tasks):
                pool.shutdown(wait=False, cancel_futures=True)
                for process in multiprocessing.active_children():
                    process.terminate()
    return sorted(results, key=lambda result: result.unit.number)
