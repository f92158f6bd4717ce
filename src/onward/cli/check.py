"""`onward check`."""

from pathlib import Path
from typing import Annotated

import typer


def check(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
) -> None:
    """Look for what would stop a full run, in less time.

    Prepares the whole table, since one row can stop a run; then trains two
    epochs on some 200 of its rows, exports, evaluates and reports. Ends with
    the code that a full run would end with, and leaves nothing behind.
    """
    from onward.settings.config import import_plugins

    import_plugins(config)  # their classes must be there before the settings that choose from them

    from onward.cli._dry_run import rehearse

    raise typer.Exit(rehearse(config))
