"""`onward collect`."""

from pathlib import Path
from typing import Annotated

import typer

SNAPSHOTS = Path("snapshots")


def collect(
    config: Annotated[
        Path,
        typer.Argument(
            help="A config; only its `prepare.source` is read.",
            show_default=False,
        ),
    ],
) -> None:
    """Take a snapshot of a database, a MongoDB collection, a lake or a JSON API.

    Writes it to snapshots/CONFIG/, from where `data.dvc` imports it into the
    pipeline. Its time is in a separate file, so equal data are equal files. If
    reading fails or is killed, the old snapshot stays.
    """
    from onward.cli._snapshot import take

    rows = take(config, SNAPSHOTS / config.stem)
    typer.echo(f"{SNAPSHOTS / config.stem}: {rows:,} rows. Next: dvc repro", err=True)
