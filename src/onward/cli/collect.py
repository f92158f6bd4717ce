"""`onward collect`."""

from pathlib import Path
from typing import Annotated

import typer

SNAPSHOTS = Path("snapshots")


def collect(
    config: Annotated[
        Path,
        typer.Argument(
            help="A config; only its `prepare.source` is read, with a database and a query.",
            show_default=False,
        ),
    ],
) -> None:
    """Take a snapshot of a database with the query of a config.

    Writes it to snapshots/CONFIG/, from where `data.dvc` imports it into the
    pipeline. Its time is in a separate file, so equal data are equal files.
    """
    from onward.cli._snapshot import take

    rows = take(config, SNAPSHOTS / config.stem)
    typer.echo(f"{SNAPSHOTS / config.stem}: {rows:,} rows. Next: dvc repro", err=True)
