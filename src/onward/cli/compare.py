"""`onward compare`."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[Path, typer.Argument(help="A model file.", show_default=False)]
Table = Annotated[
    Path,
    typer.Argument(
        help="Rows with the target, new to both models.", exists=True, show_default=False
    ),
]
Margin = Annotated[
    float, typer.Option(min=0.0, help="Share of the mean loss within which models are the same.")
]
Config = Annotated[
    Path | None,
    typer.Option(help="Read TABLE with the settings of this config.", show_default=False),
]


def compare(a: Model, b: Model, table: Table, margin: Margin = 0.01, config: Config = None) -> None:
    """Test whether two model files are the same on a table.

    Compares losses and metrics row by row. The verdict is "same" only if the
    rows prove it to within the margin; otherwise the output has the margin
    that they prove, and the number of rows needed. Rows that either model was
    trained on are left out.
    """
    from onward.cli._model_pair import read_pair
    from onward.evaluation.promotion.comparison import Comparison
    from onward.serving.predictor import Predictor

    pair = read_pair((Predictor(a), Predictor(b)), ("A", "B"), table, config)
    for line in Comparison(pair, margin).lines():
        typer.echo(line)
