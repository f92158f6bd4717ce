"""Output of predictions: files of several formats, or the terminal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import typer

from onward.artifacts.replacing import replacing
from onward.cli._cloud import is_url

Sink = Callable[[pl.LazyFrame, Path], Any]


@dataclass(frozen=True)
class Format:
    """A way to write a table."""

    sink: Sink
    suffixes: tuple[str, ...]
    print: Callable[[pl.DataFrame], str] | None = None
    """Rows as text without a header; None for binary formats."""


FORMATS: Mapping[str, Format] = {
    "csv": Format(
        pl.LazyFrame.sink_csv, (".csv",), lambda rows: rows.write_csv(include_header=False)
    ),
    "tsv": Format(
        lambda rows, path: rows.sink_csv(path, separator="\t"),
        (".tsv",),
        lambda rows: rows.write_csv(include_header=False, separator="\t"),
    ),
    "jsonl": Format(pl.LazyFrame.sink_ndjson, (".jsonl", ".ndjson"), pl.DataFrame.write_ndjson),
    "parquet": Format(pl.LazyFrame.sink_parquet, (".parquet", ".pq")),
    "arrow": Format(pl.LazyFrame.sink_ipc, (".arrow", ".feather", ".ipc")),
}
DELIMITERS = {"csv": ",", "tsv": "\t"}  # these formats have a header, and cannot hold lists


def format_name(name: str | None, output: Path | None) -> str:
    """The named format, or the one of the file name; CSV for the terminal.

    Raises:
        typer.BadParameter: if the format is unknown, or binary and for the terminal.
    """
    if name is None:
        suffix = ".csv" if output is None else output.suffix.lower()
        names = [name for name, format_ in FORMATS.items() if suffix in format_.suffixes]
        if not names:
            endings = ", ".join(end for format_ in FORMATS.values() for end in format_.suffixes)
            raise typer.BadParameter(
                f"{output}: unknown suffix. Use one of {endings}, or give --format"
            )
        return names[0]
    if name not in FORMATS:
        raise typer.BadParameter(
            f"--format {name}: unknown format. Use one of {', '.join(FORMATS)}"
        )
    if output is None and FORMATS[name].print is None:
        raise typer.BadParameter(f"--format {name} is a binary format. Give --output as well")
    return name


def refuse_inside(table: str, output: str) -> None:
    """Raise if the output would be read with the table, by the next command at the latest.

    Raises:
        typer.BadParameter: naming both.
    """
    if is_url(table) or is_url(output):
        is_inside = f"{output.rstrip('/')}/".startswith(f"{table.rstrip('/')}/")
    else:
        is_inside = Path(output).resolve().is_relative_to(Path(table).resolve())
    if is_inside:
        raise typer.BadParameter(
            f"{output}: lies in the table {table}, and would be read with it. Name another folder"
        )


def write(predictions: pl.LazyFrame, name: str, output: Path | None) -> None:
    """Write the predictions to a file, completely or not at all, or print them in chunks.

    Raises:
        typer.BadParameter: if the format cannot hold a column.
    """
    if output is None:
        if name in DELIMITERS:
            _refuse_nested(predictions, name)
        _print(predictions, name)
        return
    with replacing(output) as new:
        write_file(predictions, name, new)


def write_file(predictions: pl.LazyFrame, name: str, path: Path) -> None:
    """Write the predictions to a file.

    Raises:
        typer.BadParameter: if the format cannot hold a column.
    """
    if name in DELIMITERS:
        _refuse_nested(predictions, name)
    FORMATS[name].sink(predictions, path)


def _refuse_nested(predictions: pl.LazyFrame, name: str) -> None:
    for column, dtype in predictions.collect_schema().items():
        if dtype.is_nested() or dtype == pl.Binary:
            raise typer.BadParameter(
                f"--keep: --format {name} cannot store column {column!r} of type {dtype}. Use"
                " parquet, arrow or jsonl, or leave the column out"
            )


def _print(predictions: pl.LazyFrame, name: str) -> None:
    # polars would not report that `| head` closed the pipe
    text = FORMATS[name].print
    assert text is not None
    if name in DELIMITERS:
        header = predictions.clear().collect().write_csv(separator=DELIMITERS[name])
        typer.echo(header, nl=False)
    for part in predictions.collect_batches(maintain_order=True, engine="streaming"):
        typer.echo(text(part), nl=False)
