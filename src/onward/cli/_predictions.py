"""Predictions for the rows of a table in chunks, progress, and the list of unusual values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import typer
from polars.io.plugins import register_io_source
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table as Grid

from onward.cli._source import open_like
from onward.serving.input_arrays import Array
from onward.serving.output_columns import output_columns
from onward.serving.predictor import Predictor
from onward.serving.training_comparison import UNREADABLE, UnusualValues, merge
from onward.table.sources import Source, Table
from onward.table.sources._table import KEPT
from onward.wording import format_count

ROW_NUMBER = "onward/row"  # row number, from 1
CHUNK = 65_536  # rows held at once


def open_table(path: Path, config: Path | None) -> Table:
    """The table as the source of the config reads it; else as tables of its name usually are.

    Raises:
        DataError: if it is not there.
    """
    return Source.for_path(path) if config is None else open_like(config, path)


def predictions(
    predictor: Predictor, table: Table, keep: Sequence[str], advance: Callable[[int], None]
) -> tuple[pl.LazyFrame, list[UnusualValues]]:
    """Kept columns and predictions of a table that may be larger than memory.

    Args:
        predictor: of the model.
        table: its rows.
        keep: columns of the table to put before the predictions.
        advance: is told how many more rows are predicted.

    Returns:
        The rows, in their order, not predicted yet; and a list of their unusual values, which grows
        while they are.

    Raises:
        DataError: naming file, column, row and value of what cannot be read.
    """
    unusual: list[UnusualValues] = []
    columns = predictor.schema.columns
    empty = table.scan(columns, keep).clear().collect().with_row_index(ROW_NUMBER)

    def predicted(*_: Any) -> Iterator[pl.DataFrame]:
        first = table.offset + 1
        for part in table.scan_parts(columns, keep, CHUNK):
            yield _predict_chunk(predictor, part.with_row_index(ROW_NUMBER, first), unusual)
            first += len(part)
            advance(len(part))

    schema = _predict_chunk(predictor, empty, []).schema
    return register_io_source(predicted, schema=schema), unusual


def _predict_chunk(
    predictor: Predictor, part: pl.DataFrame, unusual: list[UnusualValues]
) -> pl.DataFrame:
    """Kept columns and predictions of a chunk of rows; unusual values are added to the list."""
    start = part[ROW_NUMBER][0] if len(part) else 1
    arrays = []
    for first, feed in predictor.feeds(part, start):
        unusual += predictor.compare(feed, first)
        unusual += predictor.unreadable(feed, first)
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


def print_unusual(unusual: Sequence[UnusualValues], where: Sequence[str] = ()) -> None:
    """List them, if there are any.

    Args:
        unusual: of the table, in the order of its rows.
        where: the file of each, if rows have numbers in files.
    """
    _print_unreadable(unusual)
    merged = [values for values in merge(unusual) if values.kind != UNREADABLE]
    if not merged:
        return
    table = Grid(title="Unusual values", title_justify="left", box=None, pad_edge=False)
    names = ("column", "value is", "rows", "first row", "example", *(["file"] if where else []))
    for name in names:
        table.add_column(name, header_style="dim", overflow="fold")
    files: dict[tuple[str, str], str] = {}
    for values, file in zip(unusual, where, strict=False):
        files.setdefault((values.column, values.kind), file)
    for values in merged:
        cells = (values.column, values.kind, f"{values.rows:,}", f"{values.first_row:,}")
        last = [files[values.column, values.kind]] if where else []
        table.add_row(*map(escape, (*cells, str(values.example), *last)))
    Console(stderr=True, highlight=False).print(table)


def _print_unreadable(unusual: Sequence[UnusualValues]) -> None:
    for values in merge(unusual):
        if values.kind == UNREADABLE:
            typer.echo(
                f"{values.column}: {format_count(values.rows, 'row')} cannot be read, treated as"
                f" missing; such as {str(values.example)!r:.80}",
                err=True,
            )


@contextmanager
def progress(total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """A progress bar in a terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), unit, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.advance(task, done)
