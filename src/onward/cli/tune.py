"""`onward tune`."""

from pathlib import Path
from typing import Annotated

import typer


def tune(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Write the best settings into the config.")
    ] = False,
) -> None:
    """Search for better settings of the training.

    The section `tune` has the budget, in trials or minutes. A search that was
    stopped or killed goes on where it was; one with a larger budget
    continues. The best settings are in artifacts/CONFIG/tune/best.yaml.
    """
    from onward.cli._best_settings import write_best_settings
    from onward.cli._stage import run_stage

    best = run_stage("tune", config, None, "train") / "tune" / "best.yaml"
    if write:
        typer.echo(write_best_settings(best, config))
    else:
        typer.echo(f"to use the settings of {best}: onward tune {config} --write")
