"""Suggested columns, and the lines of a config that make them."""

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
from onward.settings.config import import_plugins, section
from onward.settings.yaml import one_line
from onward.stages import prepare
from onward.tasks import usual_task


def print_suggestions(config: Path) -> None:
    """Prepare the table, measure, and print what helps."""
    import_plugins(config)
    settings = section(config, "prepare", prepare.Settings)
    # not where $TMPDIR says, which may have no room for the table
    with TemporaryDirectory(prefix=".suggest-", dir=Path.cwd()) as folder:
        prepare.run(settings, Path(folder))
        plan, prepared = Plan(settings), Prepared(Path(folder) / "prepare")
        result = suggest(prepared, plan.columns, plan.derivations, settings.seed)
        what = usual_task(prepared.schema().target).loss_title
    typer.echo(f"{result.candidates:,} derived columns tried, {result.rows:,} validation rows")
    typer.echo(f"{what} of boosted trees without them: {result.loss:.4g}")
    if not result.suggestions:
        typer.echo("none lowers it by more than chance may do")
        return
    typer.echo()
    Console(highlight=False).print(_table(result))
    typer.echo(
        "\nEach is measured with those above it. A network may gain more, or less. To try:\n"
    )
    typer.echo("\n".join(_lines(result)))


def _table(result: Suggestions) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for title in ("derived column", "is"):
        table.add_column(title, overflow="fold")
    for title in ("with it", "lower by"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in result.suggestions:
        lower = f"{each.gain:.1%} ± {1.96 * each.error:.1%}"
        name, made = escape(each.candidate.name), escape(each.candidate.description)
        table.add_row(name, made, f"{each.loss:.4g}", lower)
    return table


def _lines(result: Suggestions) -> list[str]:
    """For the section ``prepare``."""
    parts = {part.name: part for each in result.suggestions for part in each.candidate.derivations}
    names = [each.candidate.name for each in result.suggestions]
    return [
        "  derive:",
        *(f"    {one_line(name)}: {one_line(_settings(part))}" for name, part in parts.items()),
        "  columns:  # beside those that are there",
        *(f"    {one_line(name)}: {{type: numerical}}" for name in names),
    ]


def _settings(derivation: Derivation) -> dict[str, Any]:
    given: dict[str, Any] = derivation.config.model_dump(exclude_defaults=True, exclude={"name"})
    return {"type": derivation.config.type, **given}
