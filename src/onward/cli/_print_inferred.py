"""The inferred columns, for a terminal or a pipe."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onward.cli._project import Project
from onward.wording import format_count


def print_inferred(project: Project, written: list[str]) -> None:
    """Print the inferred columns, the written files and the next steps."""
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    for title in ("column", "type", "why"):
        table.add_column(title, header_style="dim", overflow="fold")
    for reason in project.source.reasons:
        console.print(escape(reason), style="yellow")
    target = project.target
    table.add_row(escape(target.target.name), "[bold]target[/]", escape(target.reason))
    for guess in project.columns:
        type_ = guess.type or "[yellow]left out[/]"
        table.add_row(escape(guess.name), type_, escape(guess.reason))
    console.print(table)
    if target.missing:
        console.print(
            f"\n[yellow]{format_count(target.missing, 'row')} without"
            f" {escape(repr(target.target.name))}, which `prepare` refuses.[/]"
            " Remove them, or set `rows: {without_target: drop}`"
        )
    console.print(f"\nWritten: {escape(', '.join(written))}")
    config = f"configs/{project.name}.yaml"
    data = next(file for file in written if file.endswith(".dvc"))
    console.print(
        f"Check {config}, then run:\n"
        f"  [bold]dvc repro {data}[/]  # copies the table to data/\n"
        f"  [bold]onward check {config}[/]  # finds errors early\n"
        "  [bold]dvc repro[/]"
    )
