"""The limit of the number of processes of a command."""

import os

import typer

PER_CORE = 4  # at most; one keeps a core busy, and has memory of its own


def refuse_many_processes(option: str, number: int) -> None:
    """Raise if more processes are asked for than can be of use on this machine.

    Raises:
        typer.BadParameter: naming the option and the limit.
    """
    most = PER_CORE * (os.cpu_count() or 1)
    if number > most:
        raise typer.BadParameter(
            f"{option} {number}: more than one process per core gains nothing here, and needs"
            f" memory. Give at most {most}"
        )
