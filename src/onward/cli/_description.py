"""A model file in words, for a terminal of 80 columns or a pipe."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onward.errors import ArtifactError
from onward.schema import Field, Schema
from onward.serving.predictor import Predictor
from onward.tasks.decision import said

SHOWN = 3  # values of a category
RARE = 0.01  # share of the most frequent value, below which a list of values says little


def print_description(model: Path) -> None:
    """Print it.

    Raises:
        ArtifactError: if a note of the file is not as we write it.
    """
    predictor = Predictor(model)
    try:
        parts = list(_parts(model, predictor))
    except (ValueError, TypeError, LookupError) as error:
        raise ArtifactError(
            f"{model}: its notes are not as we write them: {error}. Export it again"
        ) from error
    console = Console(highlight=False)
    for part in parts:
        console.print(part, *([] if isinstance(part, str) else [""]))


def _parts(model: Path, predictor: Predictor) -> Iterator[str | Table]:
    metadata = predictor.metadata
    reference = metadata.get("reference", {})
    yield _headline(model, predictor.schema, metadata["task"])
    yield _inputs(predictor.schema, reference.get("columns", {}))
    yield _outputs(predictor, reference.get("predictions", {}))
    derived = {entry["name"]: entry["made"] for entry in metadata.get("derived", [])}
    decision = metadata.get("decision")
    for title, known in (
        ("Derives", derived),
        ("Decides", dict(said(decision, predictor.schema.target.classes)) if decision else {}),
        ("Metrics", {name: _number(value) for name, value in metadata.get("metrics", {}).items()}),
        ("Made with", metadata.get("versions", {})),
        ("Made of (sha256)", metadata.get("hashes", {})),
    ):
        if known:
            yield _pairs(title, known)


def _headline(model: Path, schema: Schema, task: str) -> str:
    classes = f", one of {', '.join(map(repr, schema.target.classes))}"
    return escape(
        f"{model} ({model.stat().st_size / 1e3:,.0f} kB) predicts {schema.target.name!r}"
        f"{classes if schema.target.classes else ', a number'} ({task}),"
        f" from {len(schema.columns)} columns.\n"
    )


def _inputs(schema: Schema, reference: Mapping[str, Any]) -> Table:
    table = _table("Reads", "column", "type", "takes", "missing", "usual values")
    for field in schema.columns:
        seen = reference.get(field.name, {})
        share = f"{seen['missing']:.1%}" if seen.get("missing") else ""
        usual = f"{_summary(seen)} {field.unit}" if seen.get("edges") else _summary(seen)
        cells = (field.name, field.type, _takes(field), share, usual.strip())
        table.add_row(*map(escape, cells))
    return table


def _takes(field: Field) -> str:
    units = ", ".join(unit or "no unit" for unit, _ in field.units)
    return " or ".join([f"text with {units}" if units else field.wire, *map(repr, field.missing)])


def _summary(seen: Mapping[str, Any]) -> str:
    """The range of numbers and dates; the most frequent values of all else."""
    if seen.get("edges"):
        first, last = seen["edges"][0], seen["edges"][-1]
        if isinstance(last, str):  # the day or second before which the last bin of dates ends
            return f"{first} to {np.datetime64(last) - 1}"
        return f"{first:.4g} to {last:.4g}"
    pairs = list(zip(seen.get("values", []), seen.get("shares", []), strict=True))
    if pairs and pairs[0][1] < RARE:
        return f"{pairs[0][0]}, ..."
    parts = [f"{value} {share:.0%}" for value, share in pairs[:SHOWN]]
    if len(pairs) > SHOWN or seen.get("other"):
        parts.append("...")
    return ", ".join(parts)


def _outputs(predictor: Predictor, reference: Mapping[str, Any]) -> Table:
    table = _table("Predicts", "output", "shape", "type", "usual values")
    empty = predictor([])
    for name, array in empty.items():
        shape = "rows" if array.ndim == 1 else f"rows x {array.shape[1]}"
        kind = "text" if array.dtype.kind == "O" else str(array.dtype)
        table.add_row(name, shape, kind, escape(_summary(reference.get(name, {}))))
    return table


def _number(value: Any) -> str:
    """A metric, or several by name."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_number(each)}" for name, each in value.items())
    return f"{value:.6g}" if isinstance(value, float | int) else str(value)


def _pairs(title: str, known: Mapping[str, Any]) -> Table:
    table = _table(title, "", "")
    table.show_header = False
    for name, value in known.items():
        table.add_row(escape(name), escape(str(value)))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, header_style="dim", overflow="fold")
    return table
