"""`onward monitor`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

EXTRA = "monitor"
ALARM = 3  # exit code: drift or lost quality

Model = Annotated[
    Path, typer.Argument(help="A model file, written by `onward export`.", show_default=False)
]
LogArgument = Annotated[
    Path,
    typer.Argument(
        help="A folder of `onward serve --log`, or any table with the model's columns.",
        exists=True,
        show_default=False,
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(help="A table with the target, and the ids of --on.", show_default=False),
]
On = Annotated[
    str | None,
    typer.Option(
        help="The id column of log and labels; in the log of a server the request id.",
        show_default=False,
    ),
]
By = Annotated[
    Literal["hour", "day", "week", "month"] | None,
    typer.Option(help="Length of a window of time.", show_default="day"),
]
Time = Annotated[
    str | None,
    typer.Option(
        help="The column with the time of a row, for windows of time.",
        show_default="onward/time, if any",
    ),
]
Rows = Annotated[
    int | None,
    typer.Option(
        min=200,
        help="Rows of a window, in place of windows of time: not with --by or --time.",
        show_default="half of the rows, if they have no time",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Write all findings to this file, as JSON.",
        dir_okay=False,
        show_default=False,
    ),
]
Page = Annotated[
    Path | None,
    typer.Option(help="Write an HTML page to this file.", dir_okay=False, show_default=False),
]


def monitor(  # noqa: PLR0913  (a command has as many parameters as options)
    model: Model,
    log: LogArgument,
    labels: Labels = None,
    on: On = None,
    by: By = None,
    time: Time = None,
    rows: Rows = None,
    output: Output = None,
    html: Page = None,
) -> None:
    """Detect drift and loss of quality in new rows.

    Compares the columns and predictions of a log with those of the training
    rows, and estimates or measures the quality of the model. A column drifts
    if it differs by significantly more than is negligible in two consecutive
    windows, and in the rows of both together. Windows of fewer than 200 rows
    are not compared. Exit code 3: drift or lost quality in the last window;
    0: no alarm, or too few rows.
    """
    if (labels is None) != (on is None):
        raise typer.BadParameter("--labels needs --on, the id column, and --on needs --labels")
    for option, value in (("--time", time), ("--by", by)):
        if value is not None and rows is not None:
            raise typer.BadParameter(
                f"--rows counts rows, and {option} is for windows of time. Leave out one of them"
            )
    from onward.cli._monitor_job import MonitorJob
    from onward.cli._monitoring import watch

    job = MonitorJob(model, log, labels, on, by, time, rows)
    if watch(job, output, html):
        raise typer.Exit(ALARM)
