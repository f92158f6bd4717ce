"""`onward check`."""

from pathlib import Path
from typing import Annotated

import typer


def check(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
) -> None:
    """Find the errors that would stop a full run, without running it.

    Prepares the whole table, since one row can stop a run; then trains two
    epochs on some 200 rows, exports, evaluates and reports. Exits with the
    same code as a full run would; writes no files.
    """
    from onward.settings.config import import_plugins

    import_plugins(config)  # before the modules whose settings choose from their classes

    from onward.cli._dry_run import dry_run

    raise typer.Exit(dry_run(config))
