"""`onward init`."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    table: Annotated[
        Path,
        typer.Argument(
            help="A file or a folder of CSV, Parquet, Arrow, JSON lines, Excel; a snapshot.",
            show_default=False,
        ),
    ],
    target: Annotated[str, typer.Option(help="The column to predict.", show_default=False)],
    split: Annotated[
        str | None,
        typer.Option(
            help="A column that says train, validation or test for each row.", show_default=False
        ),
    ] = None,
) -> None:
    """Make a project for a table in this folder: configs, dvc.yaml, data.dvc.

    The type of each column is inferred, and written to the config with the
    reason, for you to correct. Files that exist are never written over.
    """
    from onward.cli._files import write_files
    from onward.cli._print_inferred import print_inferred
    from onward.cli._project import Project

    project = Project.of(table, target, split)
    written = write_files(Path(), project)
    print_inferred(project, written)
