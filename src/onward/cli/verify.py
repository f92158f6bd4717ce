"""`onward verify`."""

from pathlib import Path
from typing import Annotated

import typer

from onward.wording import format_count


def verify(
    model: Annotated[
        Path, typer.Argument(help="A model file, written by `onward export`.", show_default=False)
    ],
) -> None:
    """Re-run the sample rows stored in a model file, and compare the predictions."""
    import onnxruntime

    from onward.serving.model_file import HASH
    from onward.serving.predictor import Predictor

    predictor = Predictor(model)
    differences = predictor.verify()
    rows = max(map(len, predictor.metadata["replay"]["predictions"].values()))
    typer.echo(
        f"{model}: {format_count(rows, 'row')} replayed in onnxruntime {onnxruntime.__version__},"
        f" largest difference {max(differences.values()):.1g}: ok"
    )
    if HASH not in predictor.metadata:
        typer.echo(
            "An older version wrote this file without a hash of its content, so only the rows were"
            " checked"
        )
