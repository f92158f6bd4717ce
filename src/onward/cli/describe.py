"""`onward describe`."""

from pathlib import Path
from typing import Annotated

import typer


def describe(
    model: Annotated[
        Path, typer.Argument(help="A model file, written by `onward export`.", show_default=False)
    ],
) -> None:
    """Show the inputs, outputs and metadata of a model file."""
    from onward.cli._description import print_description

    print_description(model)
