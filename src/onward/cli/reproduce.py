"""`onward reproduce`."""

from pathlib import Path
from typing import Annotated

import typer

DIFFERS = 6  # exit code


def reproduce(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
) -> None:
    """Run the recorded stages again, and compare the results.

    Runs the stages in dvc.lock in a temporary folder of the project, with the
    current data, settings, code and libraries. Each stage is identical, within
    tolerance or different; its causes are listed below it. The report contains
    times and is not compared. Exit code 6: a stage is different.
    """
    from onward.cli._reproduction import is_reproduced, reproduction_lines, reproductions

    results = reproductions(config)
    for line in reproduction_lines(results):
        typer.echo(line)
    raise typer.Exit(0 if is_reproduced(results) else DIFFERS)
