"""`onward collect`."""

from pathlib import Path
from typing import Annotated

import typer

from onward.wording import format_count

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

    Writes the rows as Parquet to snapshots/CONFIG/. For a first snapshot, then
    create the project: `onward init snapshots/CONFIG --target COLUMN`. Equal
    rows give equal files, so `dvc repro` runs only if rows have changed. If
    reading fails, the old snapshot stays.
    """
    from onward.cli._snapshot import take

    folder = SNAPSHOTS / config.stem
    rows = take(config, folder)
    has_project = (Path("configs") / config.name).exists()
    following = "dvc repro" if has_project else f"onward init {folder} --target COLUMN"
    typer.echo(f"{folder}: {format_count(rows, 'row')}. Next: {following}", err=True)
