"""Predicting the rows of a table that may be larger than memory."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from onward.artifacts.publishing import replacing
from onward.cli._source import source_of
from onward.serving.input_arrays import Array
from onward.serving.predictor import Predictor
from onward.table.sources import Source, Table

SINKS: Mapping[str, Callable[[pl.LazyFrame, Path], Any]] = {
    ".csv": pl.LazyFrame.sink_csv,
    ".parquet": pl.LazyFrame.sink_parquet,
    ".jsonl": pl.LazyFrame.sink_ndjson,
}


def predict_table(
    model: Path, table: Path, output: Path | None = None, config: Path | None = None
) -> None:
    """Write the predictions for a table, in the order of its rows.

    It is read as the config reads its source; else as tables of its name usually are.

    Columns of the result: ``label`` and a ``probability_<class>`` for each class; or ``value``,
    ``lower`` and ``upper``; another output of several numbers has a column ``<output>_<index>`` for
    each. They appear as a whole, or not at all.
    """
    if output is not None:
        _check(output, model, table)
    predictor = Predictor(model)
    source = Source.for_path(table) if config is None else _like(config, table)
    rows = source.scan(predictor.schema.columns)
    with _progress(source.num_rows()) as advance:
        predictions = _predictions(predictor, rows, advance)
        if output is None:
            _print(predictions)
            return
        with replacing(output) as new:
            SINKS[output.suffix](predictions, new)
    typer.echo(f"{output}: {source.num_rows():,} rows predicted", err=True)


def _like(config: Path, table: Path) -> Table:
    settings = source_of(config)
    files = settings.files if table.is_dir() else None
    return Source.open(settings.model_copy(update={"path": table, "files": files}))


def _check(output: Path, model: Path, table: Path) -> None:
    if output.exists() and any(output.samefile(path) for path in (model, table) if path.exists()):
        raise typer.BadParameter(f"{output}: this is what is read. Give the output another name")
    if output.suffix not in SINKS:
        raise typer.BadParameter(f"{output}: its name must end in one of {', '.join(SINKS)}")
    if not output.parent.is_dir():
        raise typer.BadParameter(f"{output}: there is no folder {output.parent}. Make it first")


def _predictions(
    predictor: Predictor, rows: pl.LazyFrame, advance: Callable[[int], None]
) -> pl.LazyFrame:
    def step(part: pl.DataFrame) -> pl.DataFrame:
        predicted = _table(predictor(part), predictor.schema.target.classes)
        advance(len(part))
        return predicted

    schema = _table(predictor([]), predictor.schema.target.classes).schema
    return rows.map_batches(step, schema=schema, streamable=True)


def _table(predictions: Mapping[str, Array], classes: tuple[str, ...]) -> pl.DataFrame:
    columns: dict[str, pl.Series] = {}
    for name, array in predictions.items():
        if array.ndim == 1:
            is_text = array.dtype.kind == "O"
            columns[name] = pl.Series(array, dtype=pl.String if is_text else pl.Float64)
        elif name == "probabilities":
            columns |= {
                f"probability_{label}": pl.Series(array[:, code])
                for code, label in enumerate(classes)
            }
        else:
            columns |= {f"{name}_{index}": pl.Series(part) for index, part in enumerate(array.T)}
    return pl.DataFrame(columns)


def _print(predictions: pl.LazyFrame) -> None:
    # polars itself would not say that it was `| head` that closed the pipe
    typer.echo(predictions.clear().collect().write_csv(), nl=False)
    for part in predictions.collect_batches(maintain_order=True, engine="streaming"):
        typer.echo(part.write_csv(include_header=False), nl=False)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar, where a person sees it."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), "rows", TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda rows: bar.advance(task, rows)
