"""`onward convert-config`."""

from pathlib import Path
from typing import Annotated

import typer


def convert_config(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
) -> None:
    """Rewrite a config of a former version in the layout of this one.

    The file is changed in place and keeps its comments. A file that has the
    layout of this version stays as it is.
    """
    from onward.cli._convert import convert

    typer.echo(convert(config))
