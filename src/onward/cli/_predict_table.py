"""Prediction of a table to a file or the terminal."""

from dataclasses import dataclass
from pathlib import Path

import typer

from onward.cli._prediction_output import format_name, refuse_inside, write
from onward.cli._predictions import open_table, predictions, print_unusual, progress
from onward.errors import DataError
from onward.serving.predictor import Predictor, Unreadable
from onward.wording import format_count


@dataclass(frozen=True)
class PredictionJob:
    """A table to predict, and options."""

    model: Path
    table: str
    """A file or a folder; with parts also a URL."""
    output: str | None = None
    """By default the terminal; with parts a folder or a URL."""
    format: str | None = None
    """By default chosen by the suffix of the output; with parts Parquet."""
    config: Path | None = None
    """Config whose source settings are used; by default they follow from the file name."""
    keep: tuple[str, ...] | None = ()
    """Columns of the table to write beside the predictions; None for all."""
    unreadable: Unreadable = "refuse"


def predict_table(job: PredictionJob) -> None:
    """Write the predictions for a table in the order of its rows, and list unusual values.

    Columns of the result: the kept ones, then ``label`` and a ``probability_<class>`` for each
    class, or ``value``, ``lower`` and ``upper``. Other outputs of several numbers have columns
    ``<output>_<index>``. The output file is written completely or not at all.
    """
    path, output = Path(job.table), None if job.output is None else Path(job.output)
    name = format_name(job.format, output)
    if output is not None:
        _refuse_bad_output(output, job)
    predictor = Predictor(job.model, unreadable=job.unreadable)
    table = open_table(path, job.config)
    keep = tuple(table.names()) if job.keep is None else job.keep
    with progress(table.num_rows(), "rows") as advance:
        rows, unusual = predictions(predictor, table, keep, advance)
        try:
            write(rows, name, output)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error
    if output is not None:
        typer.echo(f"{output}: {format_count(table.num_rows(), 'row')} predicted", err=True)
    print_unusual(sorted(unusual, key=lambda values: values.first_row))


def _refuse_bad_output(output: Path, job: PredictionJob) -> None:
    if output.is_dir():
        raise typer.BadParameter(f"{output}: this is a folder. Name a file in it")
    inputs = (job.model, Path(job.table))
    if output.exists() and any(output.samefile(path) for path in inputs if path.exists()):
        raise typer.BadParameter(f"{output}: the output is also an input. Give it another name")
    refuse_inside(job.table, str(output))
    if not output.parent.is_dir():
        raise typer.BadParameter(
            f"{output}: the folder {output.parent} does not exist. Create it first"
        )
