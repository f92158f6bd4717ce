"""`onward tune`."""

from pathlib import Path
from typing import Annotated

import typer


def tune(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Also write the best settings into the config.")
    ] = False,
) -> None:
    """Search for better settings of the training.

    Run `onward prepare` first. The section `tune` of the config sets the
    budget, in trials or minutes; without it, 28 trials. A search that was
    stopped or killed resumes; with a larger budget, a finished one continues.
    The settings of the config stay unless rows that did not choose the new
    ones confirm them. Training on five folds, or an ensemble of the best
    trainings, replaces a single network if it is better beyond noise.
    Writes the best settings to artifacts/CONFIG/tune/best.yaml.
    """
    from onward.cli._best_settings import hint, write_best_settings
    from onward.cli._stage import run_stage

    best = run_stage("tune", config, None, "train") / "tune" / "best.yaml"
    if write:
        typer.echo(write_best_settings(best, config))
    elif said := hint(best, config):
        typer.echo(said)
