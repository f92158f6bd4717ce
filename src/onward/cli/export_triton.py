"""`onward export-triton`."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from onward.cli._model_name import model_name


def export_triton(
    model: Annotated[
        Path, typer.Argument(help="A model file, written by `onward export`.", show_default=False)
    ],
    folder: Annotated[
        Path, typer.Argument(help="Folder of the model repository.", show_default=False)
    ],
) -> None:
    """Add a model file to a model repository of NVIDIA's Triton Inference Server."""
    from onward.serving.predictor import Predictor
    from onward.serving.triton import model_configuration

    name = model_name(model)
    target = folder / name
    if folder.is_file():
        raise typer.BadParameter(f"{folder}: is a file, and the repository a folder. Name a folder")
    if target.exists():
        raise typer.BadParameter(f"{target} already exists. Remove it, or choose another folder")
    predictor = Predictor(model)
    predictor.verify()
    (target / "1").mkdir(parents=True)
    shutil.copyfile(model, target / "1" / "model.onnx")
    # written last: Triton loads no model without it
    (target / "config.pbtxt").write_text(model_configuration(predictor, name), encoding="utf-8")
    typer.echo(f"{target}: run tritonserver --model-repository {folder}")
