"""`onward verify`."""

from pathlib import Path
from typing import Annotated

import typer


def verify(
    model: Annotated[Path, typer.Argument(help="What the stage export wrote.", show_default=False)],
) -> None:
    """Predict the rows that a model file carries anew, and compare."""
    import onnxruntime

    from onward.serving.model_file import HASH
    from onward.serving.predictor import Predictor

    predictor = Predictor(model)
    differences = predictor.verify()
    rows = max(map(len, predictor.metadata["replay"]["predictions"].values()))
    typer.echo(
        f"{model}: {rows} rows replayed in onnxruntime {onnxruntime.__version__},"
        f" largest difference {max(differences.values()):.1g}: ok"
    )
    if HASH not in predictor.metadata:
        typer.echo(
            "The file has no hash of its content, as those of older versions: only its rows"
            " were checked"
        )
