"""The inferred columns, for a terminal or a pipe."""

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onward.cli._project import Project
from onward.quality.type_inference import TargetGuess
from onward.wording import format_count

MAX_SHOWN = 5  # merged or similar classes in a line


def print_inferred(project: Project, written: list[str]) -> None:
    """Print the inferred columns, the written files and the next steps."""
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    for title in ("column", "type", "why"):
        table.add_column(title, header_style="dim", overflow="fold")
    for reason in project.source.reasons:
        console.print(escape(reason), style="yellow")
    target = project.target
    table.add_row(escape(_shown(target.target.name)), "[bold]target[/]", escape(target.reason))
    for guess in project.columns:
        type_ = guess.type or "[yellow]left out[/]"
        table.add_row(escape(_shown(guess.name)), type_, escape(guess.reason))
    console.print(table)
    for line in _about_classes(target, f"configs/{project.name}.yaml"):
        console.print(f"\n[yellow]{escape(line)}[/]")
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


def _shown(name: str) -> str:
    """The name, in quotes if blanks at its ends would be lost."""
    return name if name == name.strip() else repr(name)


def _about_classes(target: TargetGuess, config: str) -> Iterator[str]:
    """Whether there are many, which are merged, and which may be the same."""
    name = repr(target.target.name)
    if target.warning:
        yield f"Target {name}: {target.warning}."
    if target.merged:
        pairs = [
            f"{text!r} into {usual!r}" for usual, texts in target.merged.items() for text in texts
        ]
        yield f"Classes of {name} that differ only in blanks are merged: {_listed(pairs)}."
    if target.similar_classes:
        groups = [" = ".join(map(repr, names)) for names in target.similar_classes.values()]
        yield (
            f"Classes of {name} that may be the same are kept apart: {_listed(groups)}. To merge"
            f" them, use the target in the comment of {config}."
        )


def _listed(texts: list[str]) -> str:
    more = len(texts) - MAX_SHOWN
    return ", ".join(texts[:MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
