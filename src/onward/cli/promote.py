"""`onward promote`."""

from pathlib import Path
from typing import Annotated

import typer

MARGIN = 0.01
Challenger = Annotated[Path, typer.Argument(help="The new model file.", show_default=False)]
Champion = Annotated[Path, typer.Argument(help="The model file in use.", show_default=False)]
Table = Annotated[
    Path,
    typer.Argument(
        help="Rows with the target, new to both models.", exists=True, show_default=False
    ),
]
Margin = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="Share of the champion's loss by which the challenger may be worse.",
        show_default=str(MARGIN),
    ),
]
Superior = Annotated[
    bool, typer.Option("--superior", help="Require a better challenger: margin 0.")
]
NewInputs = Annotated[
    bool, typer.Option("--new-inputs", help="Allow inputs that the champion does not have.")
]
Latency = Annotated[
    float,
    typer.Option(
        metavar="MICROSECONDS",
        min=0.0,
        help="Limit for one row, in 99 of 100 calls; by default no limit.",
        show_default=False,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(help="Read TABLE with the settings of this config.", show_default=False),
]
Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help="File for the figures; it also records earlier looks.",
        dir_okay=False,
    ),
]


def promote(  # noqa: PLR0913  (a command has as many parameters as options)
    challenger: Challenger,
    champion: Champion,
    table: Table,
    *,
    margin: Margin = None,
    superior: Superior = False,
    new_inputs: NewInputs = False,
    latency: Latency = float("inf"),
    config: Config = None,
    output: Output = Path("promotion.json"),
) -> None:
    """Decide whether a challenger may replace the champion.

    It may if its loss is not worse by the margin, no slice is significantly
    worse, its probabilities or intervals are as reliable, it has the same
    inputs, and it is fast enough. Exit code 0: promoted; 4: the champion is
    kept; 5: undecided, run again with these rows and new ones. Copies no file.
    """
    from onward.cli._promotion import decide
    from onward.evaluation.promotion.promotion import Rules

    if superior and margin is not None:
        raise typer.BadParameter("--superior is a margin of 0. Leave out --margin or --superior")
    share = MARGIN if margin is None else margin
    rules = Rules(0.0 if superior else share, latency, new_inputs)
    raise typer.Exit(decide(challenger, champion, table, config, rules, output))
