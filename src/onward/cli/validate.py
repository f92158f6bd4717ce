"""`onward validate`."""

from pathlib import Path
from typing import Annotated

import typer


def validate(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
    table: Annotated[
        Path | None,
        typer.Argument(help="Another table than the config's.", show_default=False),
    ] = None,
    reject: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Set rows aside there that break the contract, if the config allows it.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check a table against the contract that a config makes with it.

    A table without the target is checked as rows to predict. Ends with 65
    if a row breaks the contract. `prepare` makes the same checks.
    """
    from onward.cli._validation import validate_table

    raise typer.Exit(validate_table(config, table, reject))
