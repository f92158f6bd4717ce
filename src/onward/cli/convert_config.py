"""`onward convert-config`."""

from pathlib import Path
from typing import Annotated

import typer


def convert_config(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
) -> None:
    """Convert a config of an earlier version to the layout of this one.

    Changes the file in place and keeps its comments. A file in the current
    layout is not changed.
    """
    from onward.cli._convert import convert

    typer.echo(convert(config))
