"""`onward init`."""

import re
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
            help="A column with train, validation or test for each row.", show_default=False
        ),
    ] = None,
) -> None:
    """Create a project for a table in this folder: configs, dvc.yaml, data.dvc.

    Infers the type of each column and writes it to the config with a reason,
    for you to correct. A table outside the folder is copied to data/. In an
    existing project, the table is added to the pipeline. Existing files are
    never overwritten; only dvc.yaml gets one more config.
    """
    _refuse_address(table)
    from onward.cli._files import write_files
    from onward.cli._print_inferred import print_inferred
    from onward.cli._project import Project

    project = Project.of(table, target, split)
    written = write_files(Path(), project)
    print_inferred(project, written)


def _refuse_address(table: Path) -> None:
    from onward.errors import ConfigError

    if re.match("[a-z0-9+]+:/", str(table)):
        raise ConfigError(
            f"{table}: `onward init` reads only local tables. Download it and run"
            " `onward init FILE`; then write the address into data.dvc, below `deps:`, as in"
            " `- path: https://...`. For a database or an API, take a snapshot with"
            " `onward collect`: see docs/sources.md"
        )
