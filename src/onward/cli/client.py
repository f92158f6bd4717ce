"""`onward client`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from onward.cli._model_name import model_name, valid_name


def client(
    model: Annotated[
        Path, typer.Argument(help="A model file, written by `onward export`.", show_default=False)
    ],
    lang: Annotated[
        Literal["python", "ts"], typer.Option(help="Language of the client.")
    ] = "python",
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the model on the server; by default that of its config or file."
        ),
    ] = None,
) -> None:
    """Print a typed client for the server of a model."""
    from onward.serving.client_code import CLIENTS
    from onward.serving.predictor import Predictor

    predictor = Predictor(model)
    axes = {output.name: len(output.shape) - 1 for output in predictor.session.get_outputs()}
    code = CLIENTS[lang](valid_name(name or model_name(model)), predictor.schema, axes)
    typer.echo(code, nl=False)
