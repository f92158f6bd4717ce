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
    reason, for you to correct. A table outside of the folder is copied to
    data/. In a project, the table joins the pipeline. Files that exist are
    never written over, but for the list of configs in dvc.yaml.
    """
    import re

    from onward.errors import ConfigError

    if re.match("[a-z0-9+]+:/", str(table)):
        raise ConfigError(
            f"{table}: `onward init` looks at a table on this machine. Download it and run"
            " `onward init FILE`; then write the address into data.dvc, below `deps:`, as in"
            " `- path: https://...`"
        )
    from onward.cli._files import write_files
    from onward.cli._print_inferred import print_inferred
    from onward.cli._project import Project

    project = Project.of(table, target, split)
    written = write_files(Path(), project)
    print_inferred(project, written)
