"""`onward describe`."""

from pathlib import Path
from typing import Annotated

import typer


def describe(
    model: Annotated[Path, typer.Argument(help="What the stage export wrote.", show_default=False)],
) -> None:
    """Show what a model file reads, predicts, and says of itself."""
    from onward.cli._description import print_description

    print_description(model)
