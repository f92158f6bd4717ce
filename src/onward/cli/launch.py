"""`onward launch`."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

launch = typer.Typer(
    help="Train on another machine: by ssh, SLURM, Kubernetes or SkyPilot.", no_args_is_help=True
)

Config = Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)]
JobConfig = Annotated[
    Path,
    typer.Argument(help="A file in configs/.", exists=True, dir_okay=False, show_default=False),
]
Nodes = Annotated[int, typer.Option(min=1, help="Number of nodes.")]
Gpus = Annotated[int, typer.Option(min=0, help="GPUs per node; 0 trains on CPUs.")]
Submit = Annotated[bool, typer.Option("--submit", help="Submit the job instead of printing it.")]


class Action(StrEnum):
    """Actions on a run on another machine."""

    start = "start"
    follow = "follow"
    fetch = "fetch"
    stop = "stop"


@launch.command()
def ssh(
    host: Annotated[str, typer.Argument(help="Host name or alias of ssh.", show_default=False)],
    config: Config,
    action: Annotated[Action, typer.Argument(help="What to do with the run.")] = Action.start,
    folder: Annotated[
        str | None,
        typer.Option(help="Project folder on the host.", show_default="~/onward/PROJECT"),
    ] = None,
    command: Annotated[
        str, typer.Option(help="Command or path of `onward` on the host.")
    ] = "onward",
) -> None:
    """Run all stages on another machine.

    start copies the files that git tracks and the table, starts the stages
    and prints their log; Ctrl-C leaves them running. follow prints the log of
    a run, stop saves its state and ends it, fetch copies the results here.
    start also resumes a run that was stopped or killed.
    """
    from onward.cli._launch.ssh import RemoteRun

    run = RemoteRun(host, config, folder or f"onward/{Path.cwd().name}", command)
    if action is Action.fetch:
        run.fetch()
    elif action is Action.stop:
        run.stop()
    else:
        if action is Action.start:
            run.start()
        raise typer.Exit(run.follow())


@launch.command()
def slurm(
    config: JobConfig,
    nodes: Nodes = 1,
    gpus: Gpus = 1,
    cpus: Annotated[
        int | None, typer.Option(min=1, help="CPUs per node.", show_default="8 per GPU")
    ] = None,
    time: Annotated[str, typer.Option(help="Time limit, in SLURM's format.")] = "24:00:00",
    submit: Submit = False,
) -> None:
    """Print a batch script, or submit it."""
    from onward.cli._launch import job
    from onward.cli._launch.slurm import refuse_time, slurm_script

    refuse_time(time)
    text = slurm_script(job.Job(config, nodes, gpus), time, cpus)
    _submit_or_print(text, ["sbatch"] if submit else [])


@launch.command()
def kubernetes(
    config: JobConfig,
    image: Annotated[str, typer.Option(help=r"Image with onward\[train].", show_default=False)],
    volume: Annotated[str, typer.Option(help="Volume claim with the project.")] = "project",
    nodes: Nodes = 1,
    gpus: Gpus = 1,
    submit: Submit = False,
) -> None:
    """Print a Job and a Service, or create them in place of earlier ones."""
    from onward.cli._launch import job
    from onward.cli._launch.kubernetes import REPLACE, kubernetes_documents

    text = kubernetes_documents(job.Job(config, nodes, gpus), image, volume)
    _submit_or_print(text, REPLACE if submit else [])


@launch.command()
def skypilot(
    config: JobConfig,
    accelerator: Annotated[str, typer.Option(help="Type of GPU.")] = "H100",
    nodes: Nodes = 1,
    gpus: Gpus = 1,
    submit: Submit = False,
) -> None:
    """Print a task, or launch it as a managed job."""
    from onward.cli._launch import job
    from onward.cli._launch.skypilot import skypilot_task

    text = skypilot_task(job.Job(config, nodes, gpus), accelerator)
    _submit_or_print(text, ["sky", "jobs", "launch", "--yes"] if submit else [])


def _submit_or_print(text: str, command: Sequence[str]) -> None:
    from onward.cli._launch.job import submit

    if command:
        submit(command, text)
    else:
        typer.echo(text, nl=False)
