"""Where predictions go: a file of one of several formats, or the terminal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import typer

from onward.artifacts.publishing import replacing

Sink = Callable[[pl.LazyFrame, Path], Any]


@dataclass(frozen=True)
class Format:
    """A way to write a table."""

    sink: Sink
    suffixes: tuple[str, ...]
    print: Callable[[pl.DataFrame], str] | None = None
    """Rows as text, without a header; None if the format is no text."""


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
FLAT = {"csv": ",", "tsv": "\t"}  # with their delimiters; they have a header and no lists


def format_name(name: str | None, output: Path | None) -> str:
    """The format that is named, or that the name of the file says; CSV for the terminal.

    Raises:
        typer.BadParameter: if there is no such format, or the terminal cannot show it.
    """
    if name is None:
        suffix = ".csv" if output is None else output.suffix.lower()
        names = [name for name, known in FORMATS.items() if suffix in known.suffixes]
        if not names:
            endings = ", ".join(end for known in FORMATS.values() for end in known.suffixes)
            raise typer.BadParameter(
                f"{output}: its name must end in one of {endings}, or give --format"
            )
        return names[0]
    if name not in FORMATS:
        raise typer.BadParameter(f"--format {name}: there are {', '.join(FORMATS)}")
    if output is None and FORMATS[name].print is None:
        raise typer.BadParameter(f"--format {name} is no text for the terminal: give --output, too")
    return name


def write(predictions: pl.LazyFrame, name: str, output: Path | None) -> None:
    """Write all of them, or nothing; those for the terminal a part at a time.

    Raises:
        typer.BadParameter: if the format cannot hold a column.
    """
    if name in FLAT:
        _refuse_nested(predictions, name)
    if output is None:
        _print(predictions, name)
        return
    with replacing(output) as new:
        FORMATS[name].sink(predictions, new)


def _refuse_nested(predictions: pl.LazyFrame, name: str) -> None:
    for column, dtype in predictions.collect_schema().items():
        if dtype.is_nested() or dtype == pl.Binary:
            raise typer.BadParameter(
                f"--keep: column {column!r} holds {dtype}, which --format {name} cannot. Take"
                " parquet, arrow or jsonl, or leave it out"
            )


def _print(predictions: pl.LazyFrame, name: str) -> None:
    # polars itself would not say that it was `| head` that closed the pipe
    text = FORMATS[name].print
    assert text is not None
    if name in FLAT:
        header = predictions.clear().collect().write_csv(separator=FLAT[name])
        typer.echo(header, nl=False)
    for part in predictions.collect_batches(maintain_order=True, engine="streaming"):
        typer.echo(text(part), nl=False)
