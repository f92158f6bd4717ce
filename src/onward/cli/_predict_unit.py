"""What a process of `onward predict --jobs` does."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from onward.artifacts.process import end_with_parent
from onward.artifacts.publishing import sha256
from onward.cli._output_folder import OutputFolder
from onward.cli._predict_table import PredictionJob
from onward.cli._prediction_output import write_file
from onward.cli._prediction_units import Unit, open_unit
from onward.cli._predictions import predictions
from onward.errors import ArtifactError, DataError
from onward.serving.predictor import Predictor, Unreadable
from onward.serving.training_comparison import UnusualValues


@dataclass(frozen=True)
class Task:
    """A unit, and where its predictions go."""

    unit: Unit
    job: PredictionJob
    model: str
    """The hash of the model file."""
    name: str
    """Of the file in the output."""


@dataclass(frozen=True)
class Done:
    """What is known of a unit that is predicted."""

    unit: Unit
    rows: int
    unusual: list[UnusualValues]


def start() -> None:
    """Begin a process."""
    end_with_parent()


def predict_unit(task: Task) -> Done:
    """Write the predictions of a unit.

    Raises:
        ArtifactError: if the model is not that of the job any more.
        DataError: if a row cannot be read.
    """
    job, counts = task.job, list[int]()
    predictor = _predictor(job.model, task.model, job.unreadable)
    with open_unit(task.unit, job.table, job.config) as table:
        keep = tuple(table.names()) if job.keep is None else job.keep
        rows, unusual = predictions(predictor, table, keep, counts.append)
        assert job.output is not None
        assert job.format is not None
        with OutputFolder.of(job.output).writing(task.name) as path:
            try:
                write_file(rows, job.format, path)
            except DataError as error:
                raise DataError(f"{table.path}: {error}") from error
    ordered = sorted(unusual, key=lambda values: values.first_row)
    return Done(replace(task.unit, table=None), sum(counts), ordered)


@cache
def _predictor(model: Path, digest: str, unreadable: Unreadable) -> Predictor:
    if sha256(model) != digest:
        raise ArtifactError(f"{model}: has changed since the job began. Put the same file back")
    return Predictor(model, unreadable=unreadable)
