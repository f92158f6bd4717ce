"""Description of a model file, for a terminal of 80 columns or a pipe."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onward.errors import ArtifactError
from onward.schema import Field, Schema
from onward.serving.column_settings import unit_of, units_of
from onward.serving.decision_rule import describe_rule
from onward.serving.members_note import describe_members
from onward.serving.predictor import Predictor
from onward.serving.refit_note import describe_refit
from onward.wording import format_count, format_number

SHOWN_VALUES = 3  # values of a category to show
TEXTS = ("refit", "members")  # notes that have sections of their own
RARE_SHARE = 0.01  # share of the most frequent value; below, a list of values is uninformative


def print_description(model: Path) -> None:
    """Print the description of a model file.

    Raises:
        ArtifactError: if the metadata of the file are invalid.
    """
    predictor = Predictor(model)
    try:
        parts = list(_sections(model, predictor))
    except (ValueError, TypeError, LookupError) as error:
        raise ArtifactError(
            f"{model}: invalid metadata: {error}. Run `onward export` again"
        ) from error
    console = Console(highlight=False)
    for part in parts:
        console.print(part, *([] if isinstance(part, str) else [""]))


def _sections(model: Path, predictor: Predictor) -> Iterator[str | Table]:
    metadata = predictor.metadata
    reference = metadata.get("reference", {})
    yield _headline(model, predictor.schema, metadata["task"])
    yield _inputs(predictor.schema, reference.get("columns", {}))
    yield _outputs(predictor, reference.get("predictions", {}))
    derived = {entry["name"]: entry["made"] for entry in metadata.get("derived", [])}
    decision, metrics = metadata.get("decision"), metadata.get("metrics", {})
    for title, values in (
        ("Derived columns", derived),
        (
            "Decision",
            dict(describe_rule(decision, predictor.schema.target.classes)) if decision else {},
        ),
        ("Refit", {"weights": describe_refit(metrics)} if "refit" in metrics else {}),
        ("Ensemble", describe_members(metrics)),
        ("Metrics", {n: _number(value) for n, value in metrics.items() if n not in TEXTS}),
        ("Versions", metadata.get("versions", {})),
        ("Inputs (sha256)", metadata.get("hashes", {})),
    ):
        if values:
            yield _pairs(title, values)


def _headline(model: Path, schema: Schema, task: str) -> str:
    classes = f", one of {', '.join(map(repr, schema.target.classes))}"
    return escape(
        f"{model} ({model.stat().st_size / 1e3:,.0f} kB) predicts {schema.target.name!r}"
        f"{classes if schema.target.classes else ', a number'} ({task}),"
        f" from {format_count(len(schema.columns), 'column')}.\n"
    )


def _inputs(schema: Schema, reference: Mapping[str, Any]) -> Table:
    table = _table("Inputs", "column", "type", "format", "missing", "usual values")
    for field in schema.columns:
        distribution = reference.get(field.name, {})
        share = f"{distribution['missing']:.1%}" if distribution.get("missing") else ""
        usual = (
            f"{_summary(distribution)} {unit_of(field)}"
            if distribution.get("edges")
            else _summary(distribution)
        )
        cells = (field.name, field.type, _format(field), share, usual.strip())
        table.add_row(*map(escape, cells))
    return table


def _format(field: Field) -> str:
    units = ", ".join(unit or "no unit" for unit in units_of(field))
    return " or ".join([f"text with {units}" if units else field.wire, *map(repr, field.missing)])


def _summary(distribution: Mapping[str, Any]) -> str:
    """The range of numbers and dates, or the most frequent values."""
    if distribution.get("edges"):
        first, last = distribution["edges"][0], distribution["edges"][-1]
        if isinstance(last, str):  # the exclusive end of the last bin of dates
            return f"{first} to {np.datetime64(last) - 1}"
        return f"{_rounded(first)} to {_rounded(last)}"
    pairs = list(zip(distribution.get("values", []), distribution.get("shares", []), strict=True))
    if pairs and pairs[0][1] < RARE_SHARE:
        return f"{pairs[0][0]}, ..."
    parts = [f"{value} {share:.0%}" for value, share in pairs[:SHOWN_VALUES]]
    if len(pairs) > SHOWN_VALUES or distribution.get("other"):
        parts.append("...")
    return ", ".join(parts)


def _rounded(value: float) -> str:
    """A number with four digits, or as a whole number.

    Example:
        >>> _rounded(0.445512), _rounded(48_540.3), _rounded(2e12)
        ('0.4455', '48,540', '2e+12')
    """
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def _outputs(predictor: Predictor, reference: Mapping[str, Any]) -> Table:
    table = _table("Outputs", "output", "shape", "type", "usual values")
    empty = predictor([])
    for name, array in empty.items():
        shape = "rows" if array.ndim == 1 else f"rows x {array.shape[1]}"
        kind = "text" if array.dtype.kind == "O" else str(array.dtype)
        table.add_row(name, shape, kind, escape(_summary(reference.get(name, {}))))
    return table


def _number(value: Any) -> str:
    """A metric, or several metrics by name."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_number(metric)}" for name, metric in value.items())
    return format_number(value, 6) if isinstance(value, float | int) else str(value)


def _pairs(title: str, values: Mapping[str, Any]) -> Table:
    table = _table(title, "", "")
    table.show_header = False
    for name, value in values.items():
        table.add_row(escape(name), escape(str(value)))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, header_style="dim", overflow="fold")
    return table
