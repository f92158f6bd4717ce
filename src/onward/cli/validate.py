"""`onward validate`."""

from pathlib import Path
from typing import Annotated

import typer


def validate(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
    table: Annotated[
        Path | None,
        typer.Argument(
            help="Table to check; by default the one of the config.", show_default=False
        ),
    ] = None,
    reject: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Write invalid rows to this file (needs `rows: {invalid: set_aside}`).",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check a table against the rules of a config.

    A table without the target is checked as rows to predict. Exits with code
    65 if a row is invalid. `prepare` makes the same checks.
    """
    from onward.settings.config import import_plugins

    import_plugins(config)  # before the modules whose settings choose from their classes

    from onward.cli._validation import validate_table

    raise typer.Exit(validate_table(config, table, reject))
