"""Suggested derived columns, with lines for the config."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onward.artifacts.prepared import Prepared
from onward.evaluation.suggestions import Suggestions, suggest
from onward.preprocessing.derivations import Derivation
from onward.quality.plan import Plan
from onward.settings.config import section
from onward.settings.yaml import one_line
from onward.stages import prepare
from onward.tasks import usual_task
from onward.wording import format_count, format_number


def print_suggestions(config: Path) -> None:
    """Prepare the table, search for derived columns, and print the suggestions."""
    settings = section(config, "prepare", prepare.Settings)
    # not in $TMPDIR, which may be too small for the table
    with TemporaryDirectory(prefix=".suggest-", dir=Path.cwd()) as folder:
        prepare.run(settings, Path(folder))
        plan, prepared = Plan(settings), Prepared(Path(folder) / "prepare")
        result = suggest(prepared, plan.columns, plan.derivations, settings.seed)
        loss_title = usual_task(prepared.schema().target).loss_title
    candidates = format_count(result.candidates, "derived column")
    typer.echo(f"{candidates} tested on {format_count(result.rows, 'validation row')}")
    typer.echo(f"{loss_title} of boosted trees without them: {format_number(result.loss)}")
    if not result.suggestions:
        typer.echo("no derived column lowers it significantly")
        return
    typer.echo()
    Console(highlight=False).print(_table(result))
    typer.echo(
        "\nEach line includes the columns above it. The gain of a network may differ. To try:\n"
    )
    typer.echo("\n".join(_lines(result)))


def _table(result: Suggestions) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for title in ("derived column", "definition"):
        table.add_column(title, overflow="fold")
    for title in ("loss", "decrease"):
        table.add_column(title, justify="right", no_wrap=True)
    for suggestion in result.suggestions:
        decrease = f"{suggestion.gain:.1%} ± {1.96 * suggestion.error:.1%}"
        name, description = (
            escape(suggestion.candidate.name),
            escape(suggestion.candidate.description),
        )
        table.add_row(name, description, format_number(suggestion.loss), decrease)
    return table


def _lines(result: Suggestions) -> list[str]:
    """Lines for the section ``prepare``."""
    parts = {
        part.name: part
        for suggestion in result.suggestions
        for part in suggestion.candidate.derivations
    }
    names = [suggestion.candidate.name for suggestion in result.suggestions]
    return [
        "  derive:",
        *(f"    {one_line(name)}: {one_line(_settings(part))}" for name, part in parts.items()),
        "  columns:  # add to the existing columns",
        *(f"    {one_line(name)}: {{type: numerical}}" for name in names),
    ]


def _settings(derivation: Derivation) -> dict[str, Any]:
    settings: dict[str, Any] = derivation.config.model_dump(exclude_defaults=True, exclude={"name"})
    return {"type": derivation.config.type, **settings}
