"""Prediction of tables that may be larger than memory."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table as Grid

from onward.cli._prediction_output import format_name, write
from onward.cli._source import open_like
from onward.errors import DataError
from onward.serving.input_arrays import Array
from onward.serving.output_columns import output_columns
from onward.serving.predictor import Predictor, Unreadable
from onward.serving.training_comparison import UnusualValues, merged
from onward.table.sources import Source
from onward.table.sources._table import KEPT

ROW_NUMBER = "onward/row"  # row number, from 1


@dataclass(frozen=True)
class PredictionJob:
    """A table to predict, and options."""

    model: Path
    table: Path
    output: Path | None = None
    """By default the terminal."""
    format: str | None = None
    """By default chosen by the suffix of the output."""
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
    name = format_name(job.format, job.output)
    if job.output is not None:
        _refuse_bad_output(job.output, job.model, job.table)
    predictor = Predictor(job.model, unreadable=job.unreadable)
    source = Source.for_path(job.table) if job.config is None else open_like(job.config, job.table)
    keep = tuple(source.names()) if job.keep is None else job.keep
    rows = source.scan(predictor.schema.columns, keep)
    unusual: list[UnusualValues] = []
    with _progress(source.num_rows()) as advance:

        def predict_step(part: pl.DataFrame) -> pl.DataFrame:
            predicted = _predict_chunk(predictor, part, unusual)
            advance(len(part))
            return predicted

        numbered = rows.with_row_index(ROW_NUMBER, 1)
        schema = _predict_chunk(predictor, numbered.clear().collect(), []).schema
        try:
            write(
                numbered.map_batches(predict_step, schema=schema, streamable=True), name, job.output
            )
        except DataError as error:
            raise DataError(f"{job.table}: {error}") from error
    if job.output is not None:
        typer.echo(f"{job.output}: {source.num_rows():,} rows predicted", err=True)
    if unusual:
        _print_unusual(merged(sorted(unusual, key=lambda values: values.first_row)))


def _refuse_bad_output(output: Path, model: Path, table: Path) -> None:
    if output.exists() and any(output.samefile(path) for path in (model, table) if path.exists()):
        raise typer.BadParameter(f"{output}: the output is also an input. Give it another name")
    if not output.parent.is_dir():
        raise typer.BadParameter(
            f"{output}: the folder {output.parent} does not exist. Create it first"
        )


def _predict_chunk(
    predictor: Predictor, part: pl.DataFrame, unusual: list[UnusualValues]
) -> pl.DataFrame:
    """Kept columns and predictions of a chunk of rows; unusual values are added to the list."""
    start = part[ROW_NUMBER][0] if len(part) else 1
    arrays = []
    for first, feed in predictor.feeds(part, start):
        unusual += predictor.compare(feed, first)
        arrays.append(predictor.run(feed, first))
    outputs = map(np.concatenate, zip(*arrays, strict=True))
    predictions = _table(
        dict(zip(predictor.outputs, outputs, strict=True)), predictor.schema.target.classes
    )
    kept_columns = part.select(pl.col(f"^{KEPT}.*$").name.replace(f"^{KEPT}", ""))
    both = set(kept_columns.columns) & set(predictions.columns)
    if both:
        raise typer.BadParameter(
            f"--keep: {min(both)!r} is also an output of the model. Leave the column out, or rename"
            " it in the table"
        )
    return (
        pl.concat([kept_columns, predictions], how="horizontal")
        if kept_columns.width
        else predictions
    )


def _table(predictions: Mapping[str, Array], classes: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame(
        [_series(name, array) for name, array in output_columns(predictions, classes).items()]
    )


def _series(name: str, values: Array) -> pl.Series:
    """Texts of no rows are texts, too; probabilities stay float32."""
    if values.dtype.kind == "O":
        return pl.Series(name, values, dtype=pl.String)
    return pl.Series(name, values)


def _print_unusual(unusual: list[UnusualValues]) -> None:
    table = Grid(
        title="Values not in the training set", title_justify="left", box=None, pad_edge=False
    )
    for column in ("column", "value is", "rows", "first row", "example"):
        table.add_column(column, header_style="dim", overflow="fold")
    for values in unusual:
        cells = (values.column, values.kind, f"{values.rows:,}", f"{values.first_row:,}")
        table.add_row(*map(escape, (*cells, str(values.example))))
    Console(stderr=True, highlight=False).print(table)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar in a terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), "rows", TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda rows: bar.advance(task, rows)
