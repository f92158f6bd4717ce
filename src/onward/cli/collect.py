"""`onward collect`."""

from pathlib import Path
from typing import Annotated

import typer

SNAPSHOTS = Path("snapshots")


def collect(
    config: Annotated[
        Path,
        typer.Argument(
            help="Its `prepare.source` names a database and a query; no more is needed.",
            show_default=False,
        ),
    ],
) -> None:
    """Take a snapshot of a database: what the query of a config finds.

    It goes to snapshots/CONFIG/, from where `data.dvc` gives it to the pipeline.
    When it was taken is beside it, so that equal data are equal files.
    """
    from onward.cli._snapshot import take

    rows = take(config, SNAPSHOTS / config.stem)
    typer.echo(f"{SNAPSHOTS / config.stem}: {rows:,} rows. Next: dvc repro", err=True)
