"""`onward monitor`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

EXTRA = "monitor"
ALARM = 3  # exit code: drift found, or quality lost

Model = Annotated[Path, typer.Argument(help="What the stage export wrote.", show_default=False)]
LogArgument = Annotated[
    Path,
    typer.Argument(
        help="What `onward serve --log` wrote, or any table with the model's columns.",
        exists=True,
        show_default=False,
    ),
]
Labels = Annotated[
    Path | None, typer.Option(help="A table with the true targets.", show_default=False)
]
On = Annotated[
    str | None,
    typer.Option(
        help="The column by which labels belong to rows. In a server's log it is the request id.",
        show_default=False,
    ),
]
By = Annotated[
    Literal["hour", "day", "week", "month"], typer.Option(help="Length of a window of time.")
]
Time = Annotated[
    str | None,
    typer.Option(help="The column with the time of a row.", show_default="onward/time, if there"),
]
Rows = Annotated[
    int | None,
    typer.Option(
        min=200, help="Rows of a window, in place of --by.", show_default="half of the rows"
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Where to write all findings as JSON.", show_default=False),
]
Page = Annotated[Path | None, typer.Option(help="Where to write a page.", show_default=False)]


def monitor(  # noqa: PLR0913  (a command has as many parameters as options)
    model: Model,
    log: LogArgument,
    labels: Labels = None,
    on: On = None,
    by: By = "day",
    time: Time = None,
    rows: Rows = None,
    output: Output = None,
    html: Page = None,
) -> None:
    """Tell whether rows at work still are like the training rows, and the model as good.

    A column has drifted where it differs in two windows running by more
    than it differed within the training rows. Exit code 3: drift was
    found, or quality lost; 0: neither.
    """
    if (labels is None) != (on is None):
        raise typer.BadParameter("--labels needs --on, the column with the ids, and --on --labels")
    if time is not None and rows is not None:
        raise typer.BadParameter("give --time or --rows, not both")
    from onward.cli._monitoring import MonitorJob, watch

    job = MonitorJob(model, log, labels, on, by, time, rows)
    if watch(job, output, html):
        raise typer.Exit(ALARM)
