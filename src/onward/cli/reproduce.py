"""`onward reproduce`."""

from pathlib import Path
from typing import Annotated

import typer

DIFFERS = 6  # exit code


def reproduce(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
) -> None:
    """Run the stages that dvc.lock records again, and compare the results.

    Works in a scratch folder of the project, with the data, settings, code and
    libraries that are here now. Each stage is identical, within tolerance, or
    different; causes are listed below it. Ends with 6 if a stage is different.
    """
    from onward.cli._reproduction import is_reproduced, reproduction_lines, reproductions

    results = reproductions(config)
    for line in reproduction_lines(results):
        typer.echo(line)
    raise typer.Exit(0 if is_reproduced(results) else DIFFERS)
